/* The small parts that all views are made of */

import { useEffect, useState } from 'preact/hooks';

import { html } from './html.js';
import { Icon } from './icons.js';
import { clock, number, output, plain } from '../format.js';
import { has, t, tm } from '../i18n.js';


/**
 * Text from the host: controls are shown as signs, its direction ends with it.
 *
 * @param {{ value: unknown, class?: string, title?: string }} props
 */
export function Text({ value, class: cls, title }) {
  if (value === null || value === undefined) {
    return html`<span class="na" title=${t('value.unknown')}>–</span>`;
  }

  return html`<bdi class=${cls} title=${title}>${plain(value)}</bdi>`;
}


/** @param {{ value: unknown, label: string }} props */
export function Output({ value, label }) {
  return html`<pre class="output" tabindex="0" role="group"
    aria-label=${label}>${output(value)}</pre>`;
}


/**
 * Local time; UTC on hover.
 *
 * @param {{ value: unknown, day?: boolean }} props
 */
export function Time({ value, day }) {
  const date = new Date(/** @type {any} */ (value ?? NaN));

  if (Number.isNaN(date.getTime())) {
    return html`<span class="na">–</span>`;
  }

  const utc = date.toISOString();

  return html`<time datetime=${utc}
    title=${`${utc.slice(0, 10)} ${utc.slice(11, 23)} UTC`}>
    ${clock(date, day)}</time>`;
}


/** @param {{ kind: string, children?: any }} props kind: ok bad warn run off */
export function Pill({ kind, children }) {
  return html`<span class=${`pill ${kind}`}>${children}</span>`;
}


/** @type {Record<string, string>} */
const RET = { success: 'ok', failure: 'bad', refused: 'warn', unknown: 'warn',
  running: 'run', pending: 'run' };

/** @param {{ status: string }} props */
export const RetPill = ({ status }) => html`
  <${Pill} kind=${RET[status] ?? 'off'}>${plain(tm('ret', status))}<//>`;


/** @type {Record<string, string>} */
const STATE = { active: 'ok', inactive: 'off', failed: 'bad', activating: 'run',
  deactivating: 'run', unknown: 'warn' };

/** @param {{ state: string | null | undefined, sub?: string | null }} props */
export function State({ state, sub }) {
  const name = state ?? 'unknown';
  const detail = sub && sub !== name ? ` (${plain(sub)})` : '';

  return html`<span class=${`state ${STATE[name] ?? 'off'}`}>
    <i aria-hidden="true"></i>${plain(tm('state', name))}${detail}
  </span>`;
}


/** @type {Record<string, string>} */
const STATUS = { running: 'ok', stopped: 'warn', 'tracing-stop': 'warn',
  'disk-sleep': 'warn', zombie: 'bad', dead: 'bad' };

/** @param {{ status: any }} props of a process */
export const Status = ({ status }) => (status
  ? html`<span class=${`state ${STATUS[status] ?? 'off'}`}>
      <i aria-hidden="true"></i>${plain(tm('status', status))}</span>`
  : html`<${Text} value=${null} />`);


/** @param {{ value: any, cls: string, text?: string }} props percent, drawn
 *  beside it */
export function Bar({ value, cls, text = number(value, 1) }) {
  return html`<span class="bar-value">${text}
    <i aria-hidden="true"><b class=${cls}
      style=${{ width: `${Math.min(value ?? 0, 100)}%` }} /></i></span>`;
}


/**
 * Terms and what they are; those without a value are left out.
 *
 * @param {{ of: [string, any][], class?: string }} props
 */
export const Pairs = ({ of, class: cls = 'effect' }) => html`
  <dl class=${cls}>${of.filter(([, what]) => what !== undefined)
    .map(([term, what]) => html`<div key=${term}><dt>${term}</dt>
      <dd>${what}</dd></div>`)}</dl>`;


/**
 * What went wrong: the sentence for its code in the user's language, then the
 * server's own words.
 *
 * @param {{ error: { code: string, reason?: string, detail?: string } }} props
 */
export function Problem({ error }) {
  const { reason = '' } = error;
  const code = has('code', reason) ? reason : error.code;
  const detail = error.detail && plain(error.detail);

  return html`
    <span class="sentence">${has('code', code) ? tm('code', code)
      : t('problem.other', { code: plain(code) })}</span>
    ${detail && html` <span class="detail">${detail}</span>`}`;
}


/**
 * @param {{ kind: string, live?: string, children?: any, action?: any }} props
 */
export function Notice({ kind, live, children, action }) {
  const icon = kind === 'ok' ? 'ok' : kind === 'bad' ? 'bad' : 'warn';

  return html`<div class=${`notice ${kind}`} role=${live}>
    <${Icon} name=${icon} /><div class="words">${children}</div>${action}
  </div>`;
}


/**
 * @param {{ title: any, id: string, aside?: any, class?: string,
 *           children?: any }} props
 */
export function Card({ title, id, aside, class: cls = '', children }) {
  return html`<section class=${`card ${cls}`} aria-labelledby=${id}>
    <div class="head"><h2 id=${id}>${title}</h2>${aside}</div>
    ${children}
  </section>`;
}


/**
 * A value that lags, so that typing asks once.
 *
 * @template T
 * @param {T} value @param {number} ms
 */
export function useLagging(value, ms) {
  const [late, setLate] = useState(value);

  useEffect(() => {
    const timer = setTimeout(() => setLate(value), ms);

    return () => clearTimeout(timer);
  }, [value, ms]);

  return late;
}
