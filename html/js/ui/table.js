/*
 * A table for live rows.  Rows are keyed by what they are, so the browser
 * keeps them; while the pointer or the keyboard is on a row, or a dialog is
 * open, their order stands still: new rows come last, vanished ones stay,
 * greyed, and values go on changing in place.
 */

import { useRef } from 'preact/hooks';

import { html } from './html.js';
import { Icon } from './icons.js';
import { t } from '../i18n.js';
import { app } from '../store.js';

const MOST = 500;               /* rows on the screen */

const canHover = matchMedia('(hover: hover)');


/**
 * @template R
 * @typedef {{
 *   id: string,
 *   label: string,
 *   cell: (row: R) => any,
 *   value?: (row: R) => any,
 *   num?: boolean,
 *   down?: boolean,
 *   class?: string,
 *   title?: string,
 * }} Column
 * value: makes it sortable; down: the first click sorts descending
 */


/** @param {any} a @param {any} b what is not known comes last either way */
function compare(a, b) {
  return typeof a === 'number' && typeof b === 'number' ? a - b
    : String(a).localeCompare(String(b), undefined, { numeric: true });
}


/**
 * @template R
 * @param {R[]} rows
 * @param {Column<R>[]} columns
 * @param {string} sort "id" or "-id"
 */
function sorted(rows, columns, sort) {
  const id = sort.replace(/^-/, '');
  const value = columns.find((c) => c.id === id)?.value;
  const sign = sort.startsWith('-') ? -1 : 1;

  if (!value) {
    return rows;
  }

  return rows.map((row, i) => ({ row, i, v: value(row) }))
    .sort((a, b) => {
      if (a.v == null || b.v == null) {
        return Number(a.v == null) - Number(b.v == null) || a.i - b.i;
      }

      return sign * compare(a.v, b.v) || a.i - b.i;
    })
    .map((e) => e.row);
}


/**
 * @template R
 * @param {R[]} rows in the order they would have
 * @param {(row: R) => string} keyOf
 * @param {string} question what was asked; another one starts anew
 * @param {{ current: HTMLElement | null }} body
 * @returns held: and this is not the order they would have
 */
function useHeldOrder(rows, keyOf, question, body) {
  const last = useRef({ question: '', keys: /** @type {string[]} */ ([]),
    rows: /** @type {Map<string, R>} */ (new Map()) });
  const here = body.current;
  const held = last.current.question === question && here !== null
    && last.current.keys.length > 0
    && (app.get().dialogs > 0
      || (canHover.matches && here.matches(':hover'))
      || here.querySelector(':focus-visible') !== null);
  const now = new Map(rows.map((row) => [keyOf(row), row]));
  const keys = held
    ? [...new Set([...last.current.keys, ...now.keys()])] : [...now.keys()];
  const entries = keys.map((key) => {
    const row = now.get(key);

    return { key, gone: row === undefined,
      row: /** @type {R} */ (row ?? last.current.rows.get(key)) };
  });

  last.current = { question, keys,
    rows: new Map(entries.map((e) => [e.key, e.row])) };

  const natural = [...now.keys()];

  return { entries, held: held && keys.some((key, i) => key !== natural[i]) };
}


/**
 * @template R
 * @param {{
 *   label: string,
 *   columns: Column<R>[],
 *   rows: R[],
 *   keyOf: (row: R) => string,
 *   sort?: string,
 *   onSort?: (sort: string) => void,
 *   question?: string,
 *   empty?: any,
 *   class?: string,
 *   rowClass?: (row: R) => string,
 *   detail?: (row: R) => any,
 * }} props
 * detail: what stands in a row of its own below; null for nothing
 */
export function Table(props) {
  const { label, columns, rows, keyOf, sort = '', onSort, question = '',
    empty, rowClass, detail } = props;
  const body = useRef(/** @type {HTMLElement | null} */ (null));
  const { entries, held } = useHeldOrder(sorted(rows, columns, sort), keyOf,
    `${question} ${sort}`, body);

  return html`
    <div class=${`scroll ${props.class ?? ''}`} role="group" tabindex="0"
      aria-label=${label}>
      <table class=${held ? 'held' : ''}>
        <caption class="sr">${label}</caption>
        <thead><tr>${columns.map((c) => html`
          <${Head} key=${c.id} column=${c} sort=${sort} onSort=${onSort} />`)}
        </tr></thead>
        <tbody ref=${body}>
          ${entries.slice(0, MOST).map(({ key, row, gone }) => html`
            <${Row} key=${key} row=${row} gone=${gone} columns=${columns}
              cls=${rowClass?.(row) ?? ''} detail=${detail?.(row)} />`)}
        </tbody>
      </table>
      ${entries.length === 0 && html`<p class="empty">${empty}</p>`}
    </div>
    ${entries.length > MOST && html`<p class="foot">
      ${t('table.more', { n: entries.length - MOST })}</p>`}
    ${held && html`<p class="held-note" aria-hidden="true">
      <${Icon} name="held" />${t('table.held')}</p>`}`;
}


/** @param {{ column: Column<any>, sort: string, onSort: any }} props */
function Head({ column: c, sort, onSort }) {
  const cls = `${c.num ? 'num ' : ''}${c.class ?? ''}`;

  if (!c.value || !onSort) {
    return html`<th scope="col" class=${cls} title=${c.title}>${c.label}</th>`;
  }

  const up = sort === c.id, down = sort === `-${c.id}`;
  const next = up ? `-${c.id}` : down ? c.id : c.down ? `-${c.id}` : c.id;

  return html`<th scope="col" class=${cls} title=${c.title}
    aria-sort=${up ? 'ascending' : down ? 'descending' : 'none'}>
    <button type="button" class="sort" onClick=${() => onSort(next)}>
      ${c.label}<i aria-hidden="true">${up ? '▲' : down ? '▼' : ''}</i>
    </button>
  </th>`;
}


/**
 * @param {{ row: any, gone: boolean, columns: Column<any>[], cls: string,
 *           detail: any }} props
 */
function Row({ row, gone, columns, cls, detail }) {
  return html`
    <tr class=${`${cls}${gone ? ' gone' : ''}`}>
      ${columns.map((c) => html`<td key=${c.id}
        class=${`${c.num ? 'num ' : ''}${c.class ?? ''}`}>${c.cell(row)}</td>`)}
    </tr>
    ${detail && html`<tr class="detail-row">
      <td colspan=${columns.length}>${detail}</td>
    </tr>`}`;
}
