/*
 * The dialog of an action: says what will happen to what, shows that it is
 * under way, ends in a clear message.
 */

import { useEffect, useRef, useState } from 'preact/hooks';

import { Dialog } from './dialog.js';
import { html } from './html.js';
import { Notice, Output, Problem, State } from './parts.js';
import { ApiError, request } from '../api.js';
import { duration, kibibytes, number, plain } from '../format.js';
import { has, t, tm } from '../i18n.js';
import { perform, running, wish } from '../ops.js';
import { href } from '../store.js';


/** @type {Record<string, string>} */
const ENDS = { success: 'ok', failure: 'bad', refused: 'bad', unknown: 'warn' };


/**
 * @typedef {{
 *   title: string, what: any, verb: string, doing: string, danger?: boolean,
 *   path: string, body: object,
 * }} Action
 * what and body may change until the user has confirmed
 *
 * @param {{ action: Action, onClose: (op: any) => void }} props
 */
export function ActionDialog({ action, onClose }) {
  const [phase, setPhase] = useState('ask');
  const [op, setOp] = useState(/** @type {any} */ (null));
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const want = useRef(/** @type {import('../ops.js').Wish | null} */ (null));
  const close = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const shown = useRef(true);

  useEffect(() => () => { shown.current = false; }, []);

  useEffect(() => {
    if (phase === 'done' || phase === 'failed') {
      close.current?.focus();
    }
  }, [phase]);

  const go = async () => {
    want.current ??= wish(action.path, action.body);
    setPhase('doing');
    setError(null);

    try {
      const done = await perform(want.current,
        (now) => shown.current && setOp(now));

      if (shown.current) {
        setOp(done);
        setPhase('done');
      }
    } catch (e) {
      if (!(e instanceof ApiError)) {
        throw e;
      }

      if (shown.current) {
        setError(e);
        setPhase(e.code === 'reauth_required' ? 'password' : 'failed');
      }
    }
  };

  /** @param {string} password nothing was done yet: it is another wish */
  const reauth = async (password) => {
    await request('POST', 'session/reauth', { body: { password },
      quiet: true });
    want.current = null;
    await go();
  };

  if (phase === 'password') {
    return html`<${Reauth} title=${action.title} send=${reauth}
      onClose=${() => onClose(op)} />`;
  }

  const kind = phase === 'done' ? (op.is_exec ? 'ok' : 'bad')
    : phase === 'failed' ? 'bad' : '';
  const lost = phase === 'failed' && error?.away;

  return html`<${Dialog} title=${action.title} kind=${kind}
    busy=${phase === 'doing'} onClose=${() => onClose(op)}
    buttons=${buttons({ phase, lost, action, go, close,
      onClose: () => onClose(op) })}>
    ${(phase === 'ask' || phase === 'doing') && html`
      <fieldset class="bare" disabled=${phase === 'doing'}>
        ${action.what}</fieldset>`}
    <div role="status" class="outcome">
      ${phase === 'doing' && html`<${Doing} words=${action.doing} />`}
      ${phase === 'done' && html`<${Outcome} op=${op} />`}
      ${phase === 'failed' && error && html`<${Notice} kind="bad">
        ${lost ? t('op.lost') : html`<${Problem} error=${error} />`}
        ${error.opId && html` <${LogLink} id=${error.opId} />`}<//>`}
    </div>
  <//>`;
}


/** @param {any} props */
function buttons({ phase, lost, action, go, close, onClose }) {
  if (phase === 'ask') {
    return html`
      <button type="button" onClick=${onClose}>${t('dialog.cancel')}</button>
      <button type="button" autofocus onClick=${go}
        class=${action.danger ? 'danger' : 'primary'}>${action.verb}</button>`;
  }

  return html`
    ${lost && html`<button type="button" onClick=${go}>
      ${t('op.ask_again')}</button>`}
    <button type="button" ref=${close} onClick=${onClose}
      class=${phase === 'doing' ? '' : 'primary'}>
      ${t(phase === 'doing' ? 'dialog.background' : 'dialog.close')}</button>`;
}


/**
 * The password again, where the last one is too old for what is asked.
 *
 * @param {{ title: string, onClose: () => void,
 *           send: (password: string) => Promise<void> }} props
 */
export function Reauth({ title, send, onClose }) {
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const [busy, setBusy] = useState(false);
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));

  useEffect(() => field.current?.focus(), []);

  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);

    try {
      await send(field.current?.value ?? '');
    } catch (e) {
      if (!(e instanceof ApiError)) {
        throw e;
      }

      setBusy(false);
      setError(e);
      field.current?.select();
    }
  };

  return html`<${Dialog} title=${title} busy=${busy} onClose=${onClose}
    buttons=${html`
      <button type="button" onClick=${onClose}>${t('dialog.cancel')}</button>
      <button type="submit" form="reauth" class="primary" disabled=${busy}>
        ${t('reauth.go_on')}</button>`}>
    <form id="reauth" class="fields" onSubmit=${submit}>
      <p>${tm('code', 'reauth_required')}</p>
      <label>${t('login.password')}
        <input ref=${field} type="password" name="password" required
          autocomplete="current-password" maxlength="512" /></label>
      <div role="alert">${error && html`<${Notice} kind="bad">
        <${Problem} error=${error} /><//>`}</div>
    </form>
  <//>`;
}


/** @param {{ words: string }} props */
function Doing({ words }) {
  const [since] = useState(Date.now());
  const [now, setNow] = useState(since);

  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);

    return () => clearInterval(timer);
  }, []);

  const seconds = Math.floor((now - since) / 1000);

  return html`<p class="doing"><i aria-hidden="true"></i>${words}
    ${seconds > 1 && html`<span aria-hidden="true">
      ${duration(seconds)}</span>`}</p>`;
}


/** @param {{ id: string }} props */
const LogLink = ({ id }) => html`
  <a href=${href('log', { op: id })}>${t('op.see_log')}</a>`;


/** @param {any} op */
function sentence(op) {
  if (op.retStatus !== 'success') {
    return t(`op.${op.retStatus in ENDS ? op.retStatus : 'failure'}`);
  }

  if (op.code === 'unchanged') {
    return tm('code', 'unchanged');
  }

  return has('done', op.logType)
    ? t(`done.${op.logType}`, { name: plain(op.target) }) : t('op.success');
}


/**
 * How an operation ended: the sentence, the states before and after, what it
 * said.
 *
 * @param {{ op: any }} props
 */
export function Outcome({ op }) {
  if (running(op)) {
    return html`<p class="doing"><i aria-hidden="true" />
      ${t('op.running')}</p>`;
  }

  const ok = op.retStatus === 'success';
  const said = ok ? op.stdout : op.stderr || op.stdout;
  const reason = !ok && op.cmdret && op.cmdret !== said ? op.cmdret : '';

  /** @type {[string, any][]} */
  const facts = [];

  if (op.before?.state) {
    facts.push([t('op.effect'), html`
      <${State} state=${op.before.state} /> <${Pid} of=${op.before} />
      <span class="sr">${t('op.then')}</span>
      <span aria-hidden="true"> → </span>
      <${State} state=${op.after?.state} /> <${Pid} of=${op.after} />`]);
  }

  for (const key of ['nice', 'ionice', 'affinity']) {
    if (op.before?.[key] != null && op.after?.[key] != null) {
      facts.push([tm('field', key), `${plain(op.before[key])} → ${
        plain(op.after[key])}`]);
    }
  }

  for (const key of ['gone', 'alive']) {
    if (op[key]?.length > 0) {
      facts.push([t(`op.${key}`), op[key].map(Number).join(', ')]);
    }
  }

  if (op.usage) {
    facts.push(...usageFacts(op.usage));
  }

  if (typeof op.duration_ms === 'number') {
    facts.push([t('op.took'), duration(op.duration_ms / 1000)]);
  }

  if (!ok && typeof op.exit_code === 'number') {
    facts.push([t('op.exit_code'), op.exit_code]);
  }

  if (op.op_id) {
    facts.push([t('op.id'), html`<${LogLink} id=${op.op_id} />`]);
  }

  return html`
    <${Notice} kind=${ENDS[op.retStatus] ?? 'bad'}>
      <b>${sentence(op)}</b>
      ${!ok && op.code && html` <${Problem}
        error=${{ code: op.code, detail: reason }} />`}
    <//>
    ${facts.length > 0 && html`<dl class="effect">
      ${facts.map(([term, what]) => html`<div key=${term}>
        <dt>${term}</dt><dd>${what}</dd></div>`)}
    </dl>`}
    ${said && html`<${Output} value=${said} label=${t('op.output')} />`}`;
}


/** @param {any} usage of a measured run @returns {[string, any][]} */
function usageFacts(usage) {
  const seconds = (n) => (typeof n === 'number' ? `${number(n, 3)} s` : '–');

  const { host } = usage;

  return [[t('usage.real'), seconds(usage.real)],
    [t('usage.cpu'), `${seconds(usage.user)} + ${seconds(usage.sys)}`],
    [t('usage.rss'), `${kibibytes(usage.maxrss)} / ${
      kibibytes(usage.avgrss)}`],
    [t('usage.vsize'), `${kibibytes(usage.maxvsize)} / ${
      kibibytes(usage.avgvsize)}`],
    ...(host ? [/** @type {[string, any]} */ ([t('usage.host'),
      `${kibibytes(host.available)} / ${kibibytes(host.totalmem)}`])] : []),
    [t('usage.faults'), `${number(usage.minflt)} / ${number(usage.majflt)}`],
    [t('usage.switches'), `${number(usage.nvcsw)} / ${number(usage.nivcsw)}`]];
}


/** @param {{ of: any }} props */
const Pid = ({ of }) => (of?.main_pid
  ? html`<span class="mono">${plain(of.main_pid)}</span>` : null);
