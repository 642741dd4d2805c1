/* The operation log: list, filters, detail, read marks */

import { useEffect, useRef, useState } from 'preact/hooks';

import { query, request } from '../api.js';
import { number, plain } from '../format.js';
import { SETS, t, tm, tn } from '../i18n.js';
import { running } from '../ops.js';
import { refresh, useFeed } from '../poll.js';
import { setParams } from '../store.js';
import { Outcome } from '../ui/action.js';
import { html } from '../ui/html.js';
import { Icon } from '../ui/icons.js';
import { Card, Notice, Output, Problem, RetPill, Text, Time, useLagging }
  from '../ui/parts.js';
import { Series } from '../ui/series.js';
import { Table } from '../ui/table.js';

/** @typedef {import('../api.js').ApiError | null} Trouble */

const PAGE = 50;
const SETTLED = 3600000;       /* ms */
const HOUR = 3600000;
const AGES = ['1', '7', '30', '365'];     /* days */
const LOOKS = 200;             /* answers, as long as they are empty */


/** @param {Record<string, string>} params */
const question = (params) => ({
  unread: params.unread ? 'true' : undefined, logType: params.type,
  retStatus: params.ret, target: params.target, actor: params.actor,
  q: params.q, since: since(params.age ?? (params.q ? '7' : '')),
});


/**
 * Whole hours, so that the question stays the same from look to look.
 *
 * @param {string} days
 */
function since(days) {
  return AGES.includes(days) ? new Date(Math.floor(Date.now() / HOUR) * HOUR
    - Number(days) * 24 * HOUR).toISOString() : undefined;
}


/**
 * The newest page is polled; older ones are added below it by cursor and stay
 * as they came.
 *
 * The server looks at a bounded number of rows for each answer, and where
 * several filters hold for few of many rows, an answer may be empty with more
 * to look at.  Such ones are passed by, until something is found, the log or
 * the bound is at its end, or the question is another.
 *
 * @param {Record<string, string>} params
 */
function useLog(params) {
  const asked = useLagging(JSON.stringify(question(params)), 250);
  const filter = JSON.parse(asked);
  const feed = useFeed(`log${query({ ...filter, limit: PAGE })}`);
  const [older, setOlder] = useState(/** @type {{ asked: string,
    next: any }} */ ({ asked: '', next: undefined }));
  const [error, setError] = useState(/** @type {Trouble} */ (null));
  const [busy, setBusy] = useState(0);     /* which look it is */
  const asking = useRef(/** @type {AbortController | null} */ (null));
  const mine = older.asked === asked;
  const next = mine ? older.next
    : feed.stale ? undefined : feed.data?.next;

  /* seq -> row.  Once older pages are below, rows that leave the newest page
     must stay, or there would be a hole between them */
  const seen = useRef(/** @type {Map<number, any>} */ (new Map()));

  if (!feed.stale) {
    if (!mine) {
      seen.current.clear();
    }

    for (const row of feed.data?.rows ?? []) {
      seen.current.set(row.seq, row);
    }
  }

  const more = async () => {
    const { signal } = asking.current = new AbortController();
    let before = next, found = 0;

    setError(null);

    try {
      for (let i = 1; i <= LOOKS && before && found === 0; i++) {
        setBusy(i);

        const { data } = await request('GET',
          `log${query({ ...filter, limit: PAGE, before })}`, { signal });

        signal.throwIfAborted();
        found = data.rows.length;
        before = data.next;

        for (const row of data.rows) {
          seen.current.set(row.seq, row);
        }

        setOlder({ asked, next: before });
      }
    } catch (e) {
      if (signal.aborted) {
        return;
      }

      setError(/** @type {any} */ (e));
    }

    setBusy(0);
  };

  const stop = () => {
    asking.current?.abort();
    setBusy(0);
  };

  const anew = () => {
    stop();
    setOlder({ asked: '', next: undefined });
  };

  const rows = [...seen.current.values()].sort((a, b) => b.seq - a.seq);
  const fruitless = !mine && rows.length === 0 && Boolean(next);

  useEffect(() => stop, [asked]);

  useEffect(() => {
    if (fruitless) {
      more();
    }
  }, [fruitless, asked]);

  return { rows, feed, error: feed.error ?? error, next, more, busy, stop,
    anew };
}


/**
 * @param {{ params: Record<string, string>, policy: any,
 *           session: import('../store.js').Session }} props
 */
export function Log({ params, policy, session }) {
  const { rows, feed, error, next, more, busy, stop, anew } = useLog(params);
  const [trouble, setTrouble] = useState(/** @type {Trouble} */ (null));
  const marks = policy?.can?.log_read ?? session.role !== 'viewer';
  const unread = feed.data?.unread ?? 0;

  /** @param {object} spec */
  const mark = async (spec) => {
    try {
      await request('POST', 'log/read', { body: spec });
      setTrouble(null);
      anew();
    } catch (e) {
      setTrouble(/** @type {any} */ (e));
    }

    refresh('log');
  };

  const aside = html`${session.role === 'admin' && html`
      <${Export} params=${params} />`}
    <span class="aside" role="status">
      ${unread > 0 ? tn('log.unread', unread) : t('log.all_read')}</span>
    ${marks && html`<button type="button" disabled=${unread === 0}
      onClick=${() => mark({ upto: rows[0]?.seq ?? 0 })}>
      <${Icon} name="ok" />${t('log.read_all')}</button>`}`;

  return html`<${Card} id="log" title=${t('nav.log')} aside=${aside}
    class=${feed.stale ? 'stale' : ''}>
    <${Filters} params=${params} />
    ${(error || trouble) && html`<${Notice} kind="bad" live="alert">
      <${Problem} error=${error ?? trouble} /><//>`}
    <${Table} label=${t('nav.log')} class="stack log"
      columns=${columns(params, marks, mark)} rows=${rows}
      keyOf=${(r) => r.op_id} question=${feed.path}
      rowClass=${(r) => (r.logStatus === 'unread' ? 'unread' : '')}
      empty=${!feed.data ? t('table.loading')
        : busy ? t('log.looking') : next ? t('log.none_yet') : t('log.empty')}
      detail=${(r) => (params.op === r.op_id
        && html`<${Detail} id=${r.op_id} row=${r} />`)} />
    ${params.op && feed.data && !rows.some((r) => r.op_id === params.op)
      && html`<div class="apart"><h3>${t('log.asked_for')}</h3>
        <${Detail} id=${params.op} /></div>`}
    ${next && html`<${More} left=${next - 1} empty=${rows.length === 0}
      busy=${busy} more=${more} stop=${stop} />`}
  <//>`;
}


/**
 * @param {{ left: number, empty: boolean, busy: number, more: () => void,
 *           stop: () => void }} props
 */
function More({ left, empty, busy, more, stop }) {
  const long = busy > 1;

  return html`<button type="button" class="wide" disabled=${busy === 1}
      onClick=${long ? stop : more}>${t(long ? 'log.stop' : 'log.more')}</button>
    ${(long || empty) && html`<p class="foot">
      ${t('log.left', { n: number(left) })}</p>`}`;
}


/** @param {{ params: Record<string, string> }} props all that is asked for */
const Export = ({ params }) => html`<span class="exports">
  ${t('log.export')} ${['csv', 'jsonl'].map((format) => html`
    <a key=${format} download href=${`log/export${
      query({ format, ...question(params) })}`}>${t(`log.${format}`)}</a>`)}
</span>`;


/** @param {{ params: Record<string, string> }} props */
function Filters({ params }) {
  /** @param {string} key */
  const on = (key) => (e) => setParams(
    { [key]: e.target.value });
  /** @param {string} key @param {string} set */
  const select = (key, set) => html`
    <select value=${params[key] ?? ''} onChange=${on(key)}>
      <option value="">${t('log.any')}</option>
      ${SETS[/** @type {'type'} */ (set)].map((m) => html`
        <option key=${m} value=${m}>${tm(set, m)}</option>`)}
    </select>`;
  const filtered = ['unread', 'type', 'ret', 'target', 'actor', 'q', 'age']
    .some((k) => params[k]);

  return html`<form class="filters wrap" role="search"
    aria-label=${t('log.filters')}
    onSubmit=${(e) => e.preventDefault()}>
    <label class="check"><input type="checkbox"
      checked=${Boolean(params.unread)}
      onChange=${(e) => setParams(
        { unread: e.target.checked ? '1' : '' })} />
      ${t('log.only_unread')}</label>
    <label><span>${t('log.type')}</span>${select('type', 'type')}</label>
    <label><span>${t('log.status')}</span>${select('ret', 'ret')}</label>
    <label><span>${t('log.target')}</span><input type="search" maxlength="128"
      value=${params.target ?? ''} onInput=${on('target')} spellcheck="false" />
    </label>
    <label><span>${t('log.actor')}</span><input type="search" maxlength="64"
      value=${params.actor ?? ''} onInput=${on('actor')} spellcheck="false" />
    </label>
    <label><span>${t('log.text')}</span><input type="search" maxlength="128"
      name="q" value=${params.q ?? ''} onInput=${on('q')} spellcheck="false" />
    </label>
    <label><span>${t('log.age')}</span>
      <select value=${params.age ?? (params.q ? '7' : '')}
        onChange=${on('age')}>
        ${!params.q && html`<option value="">${t('log.any')}</option>`}
        ${AGES.map((d) => html`<option key=${d} value=${d}>
          ${tn('log.days', Number(d))}</option>`)}
      </select></label>
    ${filtered && html`<button type="button" class="plain"
      onClick=${() => setParams({ unread: '', type: '', ret: '', target: '',
        actor: '', q: '', age: '' })}>${t('log.clear')}</button>`}
  </form>`;
}


/**
 * @param {Record<string, string>} params @param {boolean} marks
 * @param {(spec: object) => void} mark
 */
function columns(params, marks, mark) {
  return [
    { id: 'time', label: t('log.time'), class: 'mono time',
      cell: (r) => html`<${Time} value=${r.logTime} />` },
    { id: 'type', label: t('log.type'), class: 'type',
      cell: (r) => html`
        <span class="strong">${plain(tm('type', r.logType))}</span>` },
    { id: 'target', label: t('log.target'), class: 'target grow clip',
      cell: (r) => html`<${Text} value=${r.target} />` },
    { id: 'actor', label: t('log.actor'), class: 'actor',
      cell: (r) => html`<${Text} value=${r.actor} />` },
    { id: 'ret', label: t('log.status'), class: 'ret',
      cell: (r) => html`<${RetPill} status=${r.retStatus} />` },
    { id: 'read', label: t('log.read_state'), class: 'read',
      cell: (r) => html`
        <${ReadState} row=${r} marks=${marks} mark=${mark} />` },
    { id: 'open', label: t('log.detail'), class: 'actions',
      cell: (r) => {
        const open = params.op === r.op_id;
        const label = t('log.detail_of', { type: plain(tm('type', r.logType)),
          target: plain(r.target ?? '') });

        return html`<button type="button" class=${`small${open ? ' open' : ''}`}
          aria-expanded=${open ? 'true' : 'false'} aria-label=${label}
          onClick=${() => setParams({ op: open ? '' : r.op_id })}>
          <${Icon} name="down" /></button>`;
      } },
  ];
}


/** @param {{ row: any, marks: boolean, mark: (spec: object) => void }} props */
function ReadState({ row, marks, mark }) {
  if (row.logStatus !== 'unread') {
    return html`<span class="muted">${t('log.read')}</span>`;
  }

  return html`<span class="new">${t('log.new')}</span>
    ${marks && html`<button type="button" class="small"
      aria-label=${t('log.mark_read')} title=${t('log.mark_read')}
      onClick=${() => mark({ ids: [row.op_id] })}>
      <${Icon} name="ok" /></button>`}`;
}


/* one operation with its events */

/** @param {{ id: string, row?: any }} props */
function Detail({ id, row }) {
  const [pace, setPace] = useState(0);
  const feed = useFeed(`log/${encodeURIComponent(id)}`, pace);
  const op = feed.data ?? row;
  const settled = op && !running(op) && op.retStatus !== 'unknown';
  const box = useRef(/** @type {HTMLElement | null} */ (null));

  useEffect(() => {
    box.current?.scrollIntoView({ block: 'nearest' });
  }, [id]);

  /* nothing is added to an operation that has ended */
  useEffect(() => setPace(settled ? SETTLED : 0), [settled]);

  if (!op) {
    return html`<div ref=${box}>${feed.error
      ? html`<${Notice} kind="bad"><${Problem} error=${feed.error} /><//>`
      : t('table.loading')}</div>`;
  }

  /** @type {[string, any][]} */
  const facts = [
    [t('log.time'), html`<${Time} value=${op.logTime} day />`],
    [t('log.target'), html`<${Text} value=${op.target} />`],
    [t('log.actor'), html`<${Text} value=${op.actor} /> ${op.role
      && html` <span class="muted">(${tm('role', op.role)})</span>`}`],
    [t('log.remote'), html`<${Text} value=${op.remote} class="mono" />`],
    [t('log.host'), html`<${Text} value=${op.host} />`],
    [t('op.id'), html`<${Text} value=${op.op_id} class="mono" />`],
  ];

  if (op.argv?.length) {
    facts.push([t('op.argv'), html`<${Text} value=${op.argv.join(' ')}
      class="mono" />`]);
  }

  if (op.signal) {
    facts.push([t('op.signal'), html`<${Text} value=${op.signal} />`]);
  }

  const pair = op.retStatus === 'success' && op.stdout && op.stderr;

  return html`<div class="detail" ref=${box}>
    <dl class="effect">${facts.map(([term, what]) => html`
      <div key=${term}><dt>${term}</dt><dd>${what}</dd></div>`)}</dl>
    <div class="outcome"><${Outcome} op=${{ ...op, op_id: null }} />
      ${pair && html`<${Output} value=${op.stderr} label=${t('op.errors')} />`}
      ${op.truncated && html`<p class="muted">${t('op.truncated')}</p>`}
    </div>
    ${op.usage && html`<${Series} id=${id} />`}
    ${op.events?.length > 0 && html`<ol class="events">
      ${op.events.map((e, i) => html`<${Event} key=${i} event=${e} />`)}
    </ol>`}
  </div>`;
}


/** @param {{ event: any }} props */
function Event({ event: { at, kind, status, code } }) {
  return html`<li><${Time} value=${at} />${' '}
    ${plain(tm('event', kind ?? ''))}
    ${kind !== 'intent' && html` <b>${plain(tm('ret', status ?? ''))}</b>`}
    ${code && html` <span class="muted">${plain(code)}</span>`}</li>`;
}
