/*
 * One watch of memory: its course with its thresholds, what its figures say,
 * what may be done with it; and the form of a new one.
 */

import { useEffect, useRef, useState } from 'preact/hooks';

import { ApiError, query, request } from '../api.js';
import { bytes, duration, number, plain } from '../format.js';
import { t, tm } from '../i18n.js';
import { refresh, useFeed } from '../poll.js';
import { href } from '../store.js';
import { Chart } from '../ui/chart.js';
import { Confirm } from '../ui/confirm.js';
import { html } from '../ui/html.js';
import { Card, Notice, Pairs, Pill, Problem, Text } from '../ui/parts.js';
import { Table } from '../ui/table.js';
import { typed } from './services.js';

const MIB = 1048576;
const POINTS = 1500;           /* of a chart; past it, two become one */
const PAGE = 5000;             /* samples of one answer */
const SELDOM = 60000;          /* ms */
const FIELDS = ['physical', 'virtual', 'shared'];

/** @param {any} mb */
const size = (mb) => (typeof mb === 'number' ? bytes(mb * MIB) : '–');

/** @param {any} mb with its sign, which a size of its own has not */
const change = (mb) => (typeof mb !== 'number' ? '–'
  : `${Math.abs(mb) * MIB < 1 ? '±' : mb < 0 ? '−' : '+'}${
    bytes(Math.abs(mb) * MIB)}`);


/** @param {any} w @returns {{ kind: 'pid' | 'unit' | 'name', text: string }} */
export function targetOf({ target }) {
  if (target.pid != null) {
    return { kind: 'pid', text: `${target.name} (${target.pid})` };
  }

  return target.unit != null ? { kind: 'unit', text: target.unit }
    : { kind: 'name', text: target.name };
}


/* samples */

/** @param {any} at seconds, or as RFC 3339 has it */
const seconds = (at) => (typeof at === 'number' ? at : Date.parse(at) / 1000);


/** two points become the higher one, so that no peak is lost
 *  @param {number[][]} rows time, physical, shared */
function thin(rows) {
  const [, physical] = rows;
  const keep = physical.map((v, i) => (i % 2 === 0
    ? v >= (physical[i + 1] ?? -1) : v > physical[i - 1]));

  return rows.map((row) => row.filter((_, i) => keep[i]));
}


/**
 * The samples of a watch; only new ones are asked for.
 *
 * @param {any} w
 */
function useSamples(w) {
  const [, redraw] = useState(0);
  const kept = useRef({ rows: /** @type {number[][]} */ ([[], [], []]),
    next: undefined, samples: 0, version: 0, busy: false });

  useEffect(() => {
    const own = kept.current;
    let over = false;

    const ask = async () => {
      let more = true;

      own.busy = true;

      while (more && !over) {
        const { data } = await request('GET',
          `memory/watches/${encodeURIComponent(w.id)}/history${
            query({ since: own.next, limit: PAGE })}`);
        const list = data.history ?? [];
        const last = own.rows[0].at(-1) ?? 0;

        for (const s of list) {
          const at = seconds(s.timestamp);

          if (at > last) {
            own.rows[0].push(at);
            own.rows[1].push(s.physical_size);
            own.rows[2].push(s.shared_size);
          }
        }

        while (own.rows[0].length > POINTS) {
          own.rows = thin(own.rows);
        }

        own.version++;
        more = list.length >= PAGE && data.next !== own.next;
        own.next = data.next ?? own.next;
      }
    };

    /* it was started anew */
    if (w.samples < own.samples) {
      own.rows = [[], [], []];
      own.next = undefined;
    }

    own.samples = w.samples;

    if (!own.busy) {
      ask().then(() => !over && redraw((n) => n + 1), (e) => {
        /* the list tells of a watch that is gone, or a server that is */
        if (!(e instanceof ApiError)) {
          throw e;
        }
      }).finally(() => { own.busy = false; });
    }

    return () => { over = true; };
  }, [w.id, w.samples]);

  return kept.current;
}


/* one watch */

/**
 * @param {{ watch: any, operator: boolean }} props
 */
export function Watch({ watch: w, operator }) {
  const { rows, version } = useSamples(w);
  const [act, setAct] = useState('');
  const target = targetOf(w);
  const marks = w.config.thresholds_mb.map((mb) => mb * MIB);
  const id = `watch-${w.id}`;
  const shut = () => setAct('');
  /** @param {string} name @param {string} key */
  const button = (name, key) => html`<button type="button" class="small text"
    onClick=${() => setAct(name)}>${t(key)}</button>`;

  const aside = html`
    ${(w.above_mb ?? []).map((mb) => html`<${Pill} key=${mb} kind="bad">
      > ${size(mb)}<//>`)}
    ${w.growing && html`<${Pill} kind="bad">${t('watch.growing')}<//>`}
    <${Pill} kind=${w.state === 'running' ? 'run' : 'off'}>${
      plain(tm('watching', w.state))}<//>
    ${operator && html`<span class="buttons">
      ${w.is_running ? button('stop', 'watch.stop')
        : button('start', 'watch.start')}
      ${button('change', 'watch.change')}
      ${button('delete', 'watch.delete')}</span>`}`;

  const title = html`<span class="muted">${t(`watch.${target.kind}`)}</span>
    ${' '}${w.pid ? html`<a href=${href('processes', { pid: String(w.pid) })}>
        <${Text} value=${target.text} /></a>`
      : html`<${Text} value=${target.text} />`}`;

  return html`<${Card} id=${id} title=${title} aside=${aside} class="watch">
    <${Chart} label=${t('watch.course')} whole wide version=${version}
      data=${rows} tick=${bytes} marks=${marks} height=${11}
      series=${[{ name: t('watch.physical'), colour: '--c1', format: bytes },
        { name: t('watch.shared'), colour: '--c5', format: bytes }]} />
    <${Figures} watch=${w} />
    <${Values} watch=${w} id=${id} />
    ${['stop', 'start', 'delete'].includes(act) && html`
      <${Ask} watch=${w} verb=${act} name=${target.text} onClose=${shut} />`}
    ${act === 'change' && html`
      <${Limits} watch=${w} name=${target.text} onClose=${shut} />`}
  <//>`;
}


/** @param {any} mb */
const perMinute = (mb) => t('watch.per_min', { size: change(mb) });

/** @param {{ watch: any }} props what the samples say */
function Figures({ watch: w }) {
  const { config } = w;
  const slope = w.slope_mb_per_min;

  return html`<${Pairs} class="effect padded" of=${[
    [t('watch.growth'), change(w.growth?.physical_mb)],
    [t('watch.slope'), typeof slope === 'number'
      ? html`${perMinute(slope)}<span class="muted"
          title=${t('watch.between_about')}> · ${t('watch.between',
          { low: change(w.slope_low_mb_per_min),
            high: change(w.slope_high_mb_per_min) })}</span>`
      : html`<span class="muted">${t('watch.too_few')}</span>`],
    [t('watch.eta'), typeof w.eta_to_threshold_s === 'number'
      ? html`<b class="error">${duration(w.eta_to_threshold_s)}</b>` : '–'],
    [t('watch.thresholds'), config.thresholds_mb.map(size).join(', ')
      || t('value.none')],
    [t('watch.growth_limit'), typeof config.growth_mb_per_min === 'number'
      ? perMinute(config.growth_mb_per_min) : undefined],
    [t('watch.alerts'), w.alerts > 0 ? number(w.alerts) : undefined],
    [t('watch.on_alert'), config.on_alert
      ? html`<${Text} value=${config.on_alert} class="mono" />` : undefined],
    [t('watch.samples'), html`${number(w.samples)}${w.missed > 0
      ? html`<span class="muted"> · ${t('watch.missed',
        { n: number(w.missed) })}</span>` : ''}`],
    [t('watch.restarts'), w.restarts > 0 ? number(w.restarts) : undefined],
    [t('watch.interval'), duration(config.interval_ms / 1000)],
    [t('watch.by'), html`<${Text} value=${w.actor} />`],
  ]} />`;
}


/** @param {{ watch: any, id: string }} props the same of all three sizes */
function Values({ watch: w, id }) {
  const columns = [
    { id: 'field', label: t('watch.size'), class: 'grow',
      cell: (f) => t(`watch.${f}`) },
    ...['initial', 'current', 'max', 'average'].map((key) => ({ id: key,
      label: t(`watch.${key}`), num: true,
      class: key === 'initial' ? 'low' : '',
      cell: (f) => size(w[key]?.[`${f}_mb`]) })),
    { id: 'growth', label: t('watch.growth'), num: true, class: 'low',
      cell: (f) => change(w.growth?.[`${f}_mb`]) },
  ];

  return html`<${Table} label=${`${t('watch.size')}, ${id}`} rows=${FIELDS}
    columns=${columns} keyOf=${(f) => f} />`;
}


/* what may be done */

/**
 * @param {{ watch: any, verb: string, name: string,
 *           onClose: () => void }} props
 */
function Ask({ watch: w, verb, name, onClose }) {
  const path = `memory/watches/${encodeURIComponent(w.id)}`;
  const send = async () => {
    if (verb === 'delete') {
      await request('DELETE', path);
    } else {
      await request('POST', `${path}/${verb}`);
    }

    refresh('memory/watches');
  };

  return html`<${Confirm} title=${t(`watch.${verb}_of`, { name: plain(name) })}
    verb=${t(`watch.${verb}`)} danger=${verb === 'delete'} send=${send}
    onClose=${onClose}><p>${t(`watch.${verb}_what`)}</p><//>`;
}


/** @param {string} text "100, 200" @returns {number[]} */
const list = (text) => text.split(/[\s,;，；]+/).filter(Boolean).map(Number);

/** @param {string} text @returns {number | null} */
const orNull = (text) => (text.trim() === '' ? null : Number(text));


/** @param {{ value: any, change: (patch: object) => void }} props */
function LimitFields({ value, change: set }) {
  return html`
    <label>${t('watch.thresholds_mib')}
      <input name="thresholds" value=${value.thresholds} class="mono"
        inputmode="decimal" pattern="[0-9.,;，； ]*" maxlength="256"
        aria-describedby="limits-note"
        onInput=${(e) => set({ thresholds: e.target.value })} /></label>
    <label>${t('watch.growth_mib')}
      <input name="growth" type="number" min="0" step="any"
        value=${value.growth}
        onInput=${(e) => set({ growth: e.target.value })} /></label>
    <p id="limits-note" class="muted">${t('watch.limits_note')}</p>`;
}


/** @param {any} form */
const limits = (form) => ({ thresholds_mb: list(form.thresholds),
  growth_mb_per_min: orNull(form.growth) });


/** @param {{ watch: any, name: string, onClose: () => void }} props */
function Limits({ watch: w, name, onClose }) {
  const [form, setForm] = useState({
    thresholds: w.config.thresholds_mb.join(', '),
    growth: String(w.config.growth_mb_per_min ?? '') });
  const send = async () => {
    await request('PATCH', `memory/watches/${encodeURIComponent(w.id)}`,
      { body: limits(form) });
    refresh('memory/watches');
  };

  return html`<${Confirm} title=${t('watch.change_of', { name: plain(name) })}
    verb=${t('act.set')} send=${send} onClose=${onClose}>
    <div class="fields"><${LimitFields} value=${form}
      change=${(patch) => setForm({ ...form, ...patch })} /></div><//>`;
}


/**
 * @param {{ pid?: number, name?: string, onClose: () => void }} props
 * pid: of whom the drawer tells
 */
export function NewWatch({ pid, name, onClose }) {
  const [form, setForm] = useState({ kind: 'pid', target: String(pid ?? ''),
    interval: '1000', size: '1000', thresholds: '', growth: '', alert: '',
    verbose: false, detail: false });
  /** @param {object} patch */
  const set = (patch) => setForm({ ...form, ...patch });
  /** @param {string} key */
  const on = (key) => (e) => set({ [key]: e.target.value });
  const commands = useFeed('control/commands', SELDOM).data ?? [];

  const send = async () => {
    await request('POST', 'memory/watches', { body: {
      [form.kind]: form.kind === 'pid' ? Number(form.target)
        : form.target.trim(),
      interval_ms: Number(form.interval), history_size: Number(form.size),
      ...limits(form), on_alert: form.alert.trim() || null,
      verbose_logging: form.verbose, detail: form.detail } });
    refresh('memory/watches');
    location.hash = href('memory');
  };

  const check = (key, label) => html`<label class="check">
    <input type="checkbox" name=${key} checked=${form[key]}
      onChange=${(e) => set({ [key]: e.target.checked })} />${label}</label>`;

  return html`<${Confirm} title=${pid ? t('watch.new_of',
    { name: `${plain(name)} (${pid})` }) : t('watch.new')}
    verb=${t('watch.begin')} send=${send} onClose=${onClose}>
    <div class="fields">
      ${!pid && html`<div class="pair">
        <label>${t('watch.kind')}
          <select name="kind" value=${form.kind} onChange=${on('kind')}>
            ${['pid', 'unit', 'name'].map((k) => html`<option key=${k}
              value=${k}>${t(`watch.${k}`)}</option>`)}</select></label>
        <label>${t(`watch.${form.kind}`)}
          <input name="target" required maxlength="256" class="mono"
            value=${form.target} spellcheck="false" autocapitalize="none"
            pattern=${form.kind === 'pid' ? '[1-9][0-9]{0,9}' : undefined}
            inputmode=${form.kind === 'pid' ? 'numeric' : undefined}
            onInput=${on('target')} /></label></div>
        <p class="muted">${t(`watch.${form.kind}_note`)}</p>`}
      <div class="pair">
        <label>${t('watch.interval_ms')}
          <input name="interval" type="number" required min="50" max="3600000"
            value=${form.interval} onInput=${on('interval')} /></label>
        <label>${t('watch.history_size')}
          <input name="size" type="number" required min="1" max="100000"
            value=${form.size} onInput=${on('size')} /></label></div>
      <p class="muted">${t('watch.reach', { time: duration(
        Number(form.interval) * Number(form.size) / 1000) })}</p>
      <${LimitFields} value=${form} change=${set} />
      ${commands.length > 0 && html`<label>${t('watch.on_alert')}
        ${' '}<small>${t('form.optional')}</small>
        <input name="alert" list="alerts" class="mono" value=${form.alert}
          maxlength="255" spellcheck="false" autocapitalize="none"
          autocomplete="off" placeholder=${plain(typed(commands[0]))}
          onInput=${on('alert')} />
        <datalist id="alerts">${commands.map((c) => html`
          <option key=${c.id} value=${typed(c)} />`)}</datalist></label>`}
      ${check('detail', t('watch.detail'))}
      ${check('verbose', t('watch.verbose'))}
    </div><//>`;
}


/** @param {{ error: ApiError }} props */
export const Trouble = ({ error }) => html`<${Notice} kind="bad">
  <${Problem} error=${error} /><//>`;
