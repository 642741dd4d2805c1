/* Signals and priorities: what the policy lets this user do to a process */

import { useState } from 'preact/hooks';

import { ionice } from '../fields.js';
import { clock, plain } from '../format.js';
import { SETS, has, t, tm } from '../i18n.js';
import { ActionDialog } from '../ui/action.js';
import { html } from '../ui/html.js';
import { Pairs, Text } from '../ui/parts.js';

const WAIT = 3000;             /* ms, before the second signal */
const CLASSES = ['none', 'realtime', 'best-effort', 'idle'];


/** @param {string | null} ranges "0,1000..59999" @param {any} uid */
function within(ranges, uid) {
  return typeof uid !== 'number' || !ranges || ranges.split(',').some((r) => {
    const [from, to = from] = r.split('..').map(Number);

    return uid >= from && uid <= to;
  });
}


/** @param {any} policy @param {string} what @param {any} p */
const entries = (policy, what, p) => (policy?.[what] ?? []).filter(
  (e) => within(e.uid, p.uids && Object.values(p.uids)[0]));

/** @param {any} policy @param {'signals' | 'priorities'} what @param {any} p */
export const may = (policy, what, p) => Boolean(policy?.helper?.available)
  && entries(policy, what, p).length > 0;


/** @param {any} list numbers of classes @returns {string[]} */
const classesOf = (list) => (Array.isArray(list)
  ? list.map((n) => CLASSES[n]).filter(Boolean) : []);


/** @param {any} p how every action names it */
const target = (p) => (p.identity ? { identity: p.identity }
  : { pid: p.pid, create_time: p.create_time });


/** @param {any} p @returns {[string, any][]} whom an action means */
const identity = (p) => [
  [tm('field', 'pid'), html`<b class="mono">${p.pid}</b>`],
  [tm('field', 'name'), html`<${Text} value=${p.name} />`],
  [tm('field', 'username'), html`<${Text} value=${p.username} />`],
  [tm('field', 'create_time'), clock(new Date(p.create_time * 1000), true)],
];


/**
 * @param {{ p: any, policy: any, onClose: () => void }} props
 */
export function SignalDialog({ p, policy, onClose }) {
  const named = new Set(entries(policy, 'signals', p)
    .flatMap((e) => e.signals ?? []));
  const all = [...SETS.signal.filter((s) => named.has(s)),
    ...[...named].filter((s) => !SETS.signal.includes(s))];
  const [signal, setSignal] = useState(all.includes('TERM') ? 'TERM' : all[0]);
  const [tree, setTree] = useState(false);
  const [then, setThen] = useState(false);
  const kills = all.includes('KILL') && signal !== 'KILL';
  const name = `${plain(p.name)} (${p.pid})`;

  const what = html`
    <${Pairs} of=${identity(p)} />
    <div class="fields">
      <label>${t('act.which')}
        <select name="signal" value=${signal}
          onChange=${(e) => setSignal(e.target.value)}>
          ${all.map((s) => html`<option key=${s} value=${s}>SIG${s}${
            has('signal', s) ? ` – ${tm('signal', s)}` : ''}</option>`)}
        </select></label>
      <label class="check"><input type="checkbox" name="tree" checked=${tree}
        onChange=${(e) => setTree(e.target.checked)} />${t('act.tree')}</label>
      ${kills && html`<label class="check"><input type="checkbox" name="then"
        checked=${then} onChange=${(e) => setThen(e.target.checked)} />
        ${t('act.then_kill', { n: WAIT / 1000 })}</label>`}
    </div>`;

  return html`<${ActionDialog} onClose=${onClose} action=${{
    title: t('act.signal_to', { name }),
    what,
    verb: t('act.send', { signal: `SIG${signal}` }),
    doing: t('act.sending', { signal: `SIG${signal}`, name }),
    danger: signal !== 'CONT' && signal !== 'HUP',
    path: 'control/signal',
    body: { ...target(p), signal, tree,
      ...(then && kills ? { wait_ms: WAIT, then: 'KILL' } : {}) },
  }} />`;
}


/** @param {any} p @returns {{ nice: string, class: string, level: string,
 *                              cpus: string }} what it has now */
function standing(p) {
  const [cls, level] = Object.values(p.ionice ?? {}).map(Number);

  return { nice: String(p.nice ?? ''),
    class: p.ionice ? CLASSES[cls] ?? '' : '', level: String(level ?? 4),
    cpus: (p.cpu_affinity ?? []).join(',') };
}


/**
 * @param {{ p: any, policy: any, onClose: () => void }} props
 */
export function PriorityDialog({ p, policy, onClose }) {
  const bounds = entries(policy, 'priorities', p);
  const classes = [...new Set(bounds.flatMap((e) => classesOf(e.ionice)))];
  const nices = bounds.map((e) => e.nice).filter(Boolean)
    .map((n) => n.split('..').map(Number));
  const [was] = useState(standing(p));
  const [want, setWant] = useState(was);
  const name = `${plain(p.name)} (${p.pid})`;
  const on = (key) => (e) => setWant({ ...want, [key]: e.target.value });
  /** @type {Record<string, any>} */
  const body = { ...target(p) };

  if (want.nice !== was.nice) {
    body.nice = Number(want.nice);
  }

  if (want.class !== was.class || want.level !== was.level) {
    body.ionice = [CLASSES.indexOf(want.class),
      ['none', 'idle'].includes(want.class) ? 0 : Number(want.level)];
  }

  if (want.cpus !== was.cpus) {
    body.cpu_affinity = want.cpus.split(/[\s,]+/).filter(Boolean).map(Number);
  }

  const what = html`
    <${Pairs} of=${identity(p)} />
    <div class="fields">
      ${nices.length > 0 && html`<label>${tm('field', 'nice')}
        <input type="number" name="nice" value=${want.nice}
          min=${Math.min(...nices.map(([a]) => a))}
          max=${Math.max(...nices.map(([a, b = a]) => b))}
          onInput=${on('nice')} /></label>`}
      ${classes.length > 0 && html`<label>${tm('field', 'ionice')}
        <select name="class" value=${want.class} onChange=${on('class')}>
          ${!classes.includes(want.class) && html`
            <option value=${want.class}>${p.ionice
              ? ionice(p.ionice) : '–'}</option>`}
          ${classes.map((c) => html`<option key=${c} value=${c}>${c}</option>`)}
        </select></label>
        ${['realtime', 'best-effort'].includes(want.class) && html`
          <label>${t('act.level')}
            <input type="number" name="level" min="0" max="7"
              value=${want.level} onInput=${on('level')} /></label>`}`}
      ${bounds.some((e) => e.affinity) && html`
        <label>${tm('field', 'cpu_affinity')}
          <input name="cpus" class="mono" value=${want.cpus} maxlength="1024"
            spellcheck="false" onInput=${on('cpus')} /></label>`}
    </div>`;

  return html`<${ActionDialog} onClose=${onClose} action=${{
    title: t('act.priority_of', { name }),
    what,
    verb: t('act.set'),
    doing: t('act.setting', { name }),
    path: 'control/priority',
    body,
  }} />`;
}
