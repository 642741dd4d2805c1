/*
 * A table for live rows.  Rows are keyed by what they are, so the browser
 * keeps them while they are in sight; while the pointer or the keyboard is on
 * a row, or a dialog is open, their order stands still: new rows come last,
 * vanished ones stay, greyed, and values go on changing in place.
 *
 * A long table is a window: it has a height of its own, all rows are equally
 * high, and only those in sight are in the document.
 */

import { Component } from 'preact';
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';

import { html } from './html.js';
import { Icon } from './icons.js';
import { useSight } from './sight.js';
import { t } from '../i18n.js';
import { app } from '../store.js';

const MOST = 500;               /* rows on the screen */
const FIRST = 2;                /* aria-rowindex of the first: the head is 1 */
const REST = 10;                /* rem, the least of what has no width */

/** @type {Set<any>} */
const NONE = new Set();

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
 *   width?: number,
 * }} Column
 * value: makes it sortable; down: the first click sorts descending; width: rem,
 * of a window, whose columns do not follow what stands in them
 */


const collator = new Intl.Collator(undefined, { numeric: true });

/** @param {any} a @param {any} b what is not known comes last either way */
function compare(a, b) {
  return typeof a === 'number' && typeof b === 'number' ? a - b
    : collator.compare(String(a), String(b));
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

  /* sort() is stable: what is equal stays as it came */
  const values = rows.map(value);

  return rows.map((_, i) => i).sort((i, k) => {
    const a = values[i], b = values[k];

    if (a == null || b == null) {
      return Number(a == null) - Number(b == null);
    }

    return sign * compare(a, b);
  }).map((i) => rows[i]);
}


/**
 * @template R
 * @param {R[]} rows in the order they would have
 * @param {(row: R) => string} keyOf
 * @param {string} question what was asked; another one starts anew
 * @param {{ current: HTMLElement | null }} body
 * @returns gone: those of the order that are no more; held: it is not the
 * order they would have
 */
function useHeldOrder(rows, keyOf, question, body) {
  const last = useRef({ question: '', rows: /** @type {R[]} */ ([]) });
  const here = body.current;
  const held = last.current.question === question && here !== null
    && last.current.rows.length > 0
    && (app.get().dialogs > 0
      || (canHover.matches && here.matches(':hover'))
      || here.querySelector(':focus-visible') !== null);

  if (!held || last.current.rows === rows) {
    last.current = { question, rows };
    return { order: rows, gone: NONE, held: false };
  }

  const now = new Map(rows.map((row) => [keyOf(row), row]));
  const gone = new Set();
  const order = last.current.rows.map((old) => {
    const key = keyOf(old), row = now.get(key);

    now.delete(key);

    if (row === undefined) {
      gone.add(old);
    }

    return row ?? old;
  });

  order.push(...now.values());
  last.current = { question, rows: order };

  return { order, gone, held: order.some((row, i) => row !== rows[i]) };
}


/**
 * The keys of a window's rows: one that stays in sight keeps its elements, one
 * that comes takes over those of one that left.  To change their text costs
 * far less than to make them.  What has the focus is not handed on: a key
 * would act on another process than the one that was clicked.
 *
 * @param {boolean} on @param {string[]} names
 * @param {{ current: HTMLElement | null }} body
 */
function useSlots(on, names, body) {
  const last = useRef({ slots: new Map(), made: 0 });

  if (!on) {
    return names;
  }

  const { slots } = last.current;
  const row = document.activeElement?.closest('tr');
  const focused = row?.parentElement === body.current
    ? row.sectionRowIndex : -1;
  const now = new Set(names);
  const free = [...slots].filter(([name], i) => (
    i !== focused && !now.has(name))).map(([, slot]) => slot).reverse();
  const next = new Map(names.map((name) => [name,
    slots.get(name) ?? free.pop() ?? last.current.made++]));

  last.current.slots = next;

  return names.map((name) => next.get(name));
}


/* the arrows go from row to row, to the same control */

/** @param {KeyboardEvent} event @param {Element} here @param {Element} row */
function onArrow(event, here, row) {
  const step = event.key === 'ArrowDown' ? 'nextElementSibling'
    : event.key === 'ArrowUp' ? 'previousElementSibling' : '';

  if (!step) {
    return;
  }

  const place = [...row.querySelectorAll('button')].indexOf(
    /** @type {HTMLButtonElement} */ (here));
  let next = row[step];

  while (next && !next.querySelector('button')) {
    next = next[step];
  }

  const to = next?.querySelectorAll('button');

  if (to) {
    event.preventDefault();
    (to[place] ?? to[0]).focus();
  }
}


/**
 * In a window the row to go to may not be in the document yet, and is not to
 * come to stand behind the head; the keys that turn pages take the focus with
 * them.
 *
 * @param {any} sight @param {number} page rows @param {number} count
 * @param {{ current: HTMLElement | null }} body
 */
function useKeys(sight, page, count, body) {
  const wanted = useRef(-1);
  /** @type {Record<string, number>} */
  const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page,
    End: count, Home: -count };

  const reach = () => {
    const button = wanted.current < 0 ? null : body.current?.querySelector(
      `[aria-rowindex="${wanted.current + FIRST}"] button`);

    if (button) {
      wanted.current = -1;
      /** @type {HTMLElement} */ (button).focus({ preventScroll: true });
    }
  };

  useLayoutEffect(reach);

  /** @param {KeyboardEvent} event */
  return (event) => {
    const here = /** @type {Element} */ (event.target);
    const row = here.closest('tbody tr');

    if (!row || !here.matches('button')) {
      return;
    }

    if (!sight) {
      onArrow(event, here, row);

    } else if (steps[event.key]) {
      const from = wanted.current < 0
        ? Number(row.getAttribute('aria-rowindex')) - FIRST : wanted.current;

      event.preventDefault();
      wanted.current = Math.max(0, Math.min(count - 1,
        from + steps[event.key]));
      sight.scrollToIndex(wanted.current);
      reach();
    }
  };
}


/**
 * Brings the chosen row into sight: once, then it may be scrolled away.
 *
 * @template R
 * @param {any} sight @param {string} chosen @param {R[]} order
 * @param {(row: R) => string} keyOf
 */
function useChosen(sight, chosen, order, keyOf) {
  const shown = useRef('');

  useLayoutEffect(() => {
    if (shown.current === chosen) {
      return;
    }

    const i = chosen ? order.findIndex((row) => keyOf(row) === chosen) : -1;

    if (i >= 0) {
      sight?.scrollToIndex(i);
    }

    shown.current = i >= 0 ? chosen : '';
  });
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
 *   ordered?: boolean,
 *   question?: string,
 *   empty?: any,
 *   class?: string,
 *   rowClass?: (row: R) => string,
 *   detail?: (row: R) => any,
 *   window?: boolean,
 *   chosen?: string,
 * }} props
 * ordered: the rows come in the order of `sort`; detail: what stands in a row
 * of its own below, null for nothing; chosen: the key of a row of a window
 * that is to be seen
 */
export function Table(props) {
  const { label, columns, rows, keyOf, sort = '', onSort, question = '',
    empty, rowClass, detail, ordered, window: windowed = false,
    chosen = '' } = props;
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const body = useRef(/** @type {HTMLElement | null} */ (null));
  const inOrder = useMemo(() => (
    ordered ? rows : sorted(rows, columns, sort)), [rows, sort, ordered]);
  const { order, gone, held } = useHeldOrder(inOrder, keyOf,
    `${question} ${sort}`, body);
  const { from, to, above, below, page, sight } = useSight(
    windowed ? label : '', order.length, box);
  const seen = order.slice(from, windowed ? to : MOST);
  const keys = useSlots(windowed, seen.map(keyOf), body);
  const onKey = useKeys(sight, page, order.length, body);

  useChosen(sight, chosen, order, keyOf);

  const fixed = windowed && columns.some((c) => c.width);
  const minWidth = `${columns.reduce(
    (sum, c) => sum + (c.width ?? REST), 0)}rem`;
  const filler = (height) => height > 0 && html`<tbody aria-hidden="true">
    <tr class="filler" style=${{ height: `${height}px` }} /></tbody>`;

  return html`
    <div class=${`scroll ${props.class ?? ''}${windowed ? ' window' : ''}`}
      ref=${box} role="group" tabindex="0" aria-label=${label}>
      <table class=${held ? 'held' : ''} style=${fixed && { minWidth }}
        aria-rowcount=${windowed ? order.length + 1 : undefined}>
        <caption class="sr">${label}</caption>
        ${fixed && html`<colgroup>${columns.map((c) => html`
          <col key=${c.id} style=${{ width: c.width ? `${c.width}rem`
            : 'auto' }} />`)}</colgroup>`}
        <thead><tr>${columns.map((c) => html`
          <${Head} key=${c.id} column=${c} sort=${sort} onSort=${onSort} />`)}
        </tr></thead>
        ${filler(above)}
        <tbody key="rows" ref=${body} onKeyDown=${onKey}>
          ${seen.map((row, i) => html`
            <${Row} key=${keys[i]} row=${row} gone=${gone.has(row)}
              columns=${columns}
              cls=${rowClass?.(row) ?? ''} detail=${detail?.(row)}
              index=${windowed ? from + i + FIRST : undefined} />`)}
        </tbody>
        ${filler(below)}
      </table>
      ${order.length === 0 && html`<p class="empty">${empty}</p>`}
    </div>
    ${!windowed && order.length > MOST && html`<p class="foot">
      ${t('table.more', { n: order.length - MOST })}</p>`}
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
 * Most rows are as they were: nothing is compared below them.
 *
 * @typedef {{ row: any, gone: boolean, columns: Column<any>[], cls: string,
 *             detail: any, index?: number }} RowProps
 *
 * @extends {Component<RowProps>}
 */
class Row extends Component {
  /** @param {RowProps} next */
  shouldComponentUpdate(next) {
    const now = this.props;

    return Boolean(now.detail || next.detail) || now.columns !== next.columns
      || now.gone !== next.gone || now.cls !== next.cls
      || now.index !== next.index || !alike(now.row, next.row);
  }

  /** @param {any} props */
  render({ row, gone, columns, cls, detail, index }) {
    return html`
      <tr class=${`${cls}${gone ? ' gone' : ''}`} aria-rowindex=${index}>
        ${columns.map((c) => html`<td key=${c.id}
          class=${`${c.num ? 'num ' : ''}${c.class ?? ''}`}>
          ${c.cell(row)}</td>`)}
      </tr>
      ${detail && html`<tr class="detail-row">
        <td colspan=${columns.length}>${detail}</td>
      </tr>`}`;
  }
}


/** @param {any} a @param {any} b rows with the same values */
function alike(a, b) {
  if (a === b || typeof a !== 'object' || typeof b !== 'object') {
    return a === b;
  }

  for (const key in b) {
    if (a[key] !== b[key]) {
      return false;
    }
  }

  return true;
}
