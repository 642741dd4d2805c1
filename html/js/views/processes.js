/* Processes: the table of all, its filters and columns, one in the drawer */

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import { query } from '../api.js';
import { DEFAULTS, FIELDS, columnsOf } from '../fields.js';
import { plain } from '../format.js';
import { SETS, has, t, tm, tn } from '../i18n.js';
import { useFeed } from '../poll.js';
import { app, setParams, storeColumns, storedColumns } from '../store.js';
import { html } from '../ui/html.js';
import { Icon } from '../ui/icons.js';
import { Card, Notice, Problem, Text, useLagging } from '../ui/parts.js';
import { Table } from '../ui/table.js';
import { ProcessDrawer } from './process.js';

const ONCE = 3600000;          /* ms */
const ALL = 100000;            /* more than a host has processes */
const EXAMPLES = ['cpu_percent > 10', 'rss > 500M and username = root',
  'name ~ nginx or unit ~ nginx', 'not (status = sleeping)'];


/* whether this server knows fields=, filter= and tree= */
function useRich() {
  const { data, error } = useFeed('system/process/info?fields=pid&limit=1',
    ONCE);

  return data ? true : error ? false : undefined;
}


/** @param {any} p who it is, immune to a pid that is used again */
const keyOf = (p) => p.identity ?? `${p.pid} ${p.username} ${p.name}`;


/**
 * What the server is asked, and what is left to be done here.
 *
 * @param {boolean | undefined} rich @param {string[]} names
 * @param {Record<string, string>} params
 */
function pathOf(rich, names, params) {
  if (rich === undefined) {
    return null;
  }

  if (!rich) {
    return `system/process?num=${ALL}`;
  }

  const fields = new Set(['identity', 'pid', 'name', ...names]);
  const tree = params.tree ? 'true' : undefined;
  const by = params.sort?.replace(/^-/, '') ?? '';
  const sort = tree && FIELDS[by] && !FIELDS[by].whole ? by : undefined;

  return `system/process/info${query({ fields: [...fields].join(','),
    name: params.q?.trim(), user: params.user, status: params.status,
    filter: params.filter?.trim(), tree,
    sort, order: sort && (params.sort?.startsWith('-') ? 'desc' : 'asc') })}`;
}


/** @param {any[]} rows @param {Record<string, string>} params */
function narrowed(rows, params) {
  const parts = (params.q ?? '').toLowerCase().split(/\s+/).filter(Boolean);

  return rows.filter((p) => (
    (!params.user || p.username === params.user)
    && parts.every((word) => String(p.name).toLowerCase().includes(word))));
}


/**
 * @param {{ params: Record<string, string>, policy: any,
 *           session: import('../store.js').Session }} props
 */
export function Processes({ params, policy, session }) {
  const rich = useRich();
  const all = Object.keys(FIELDS).filter((f) => rich || FIELDS[f].basic);
  const standard = rich ? DEFAULTS : all;
  const [chosen, setChosen] = useState(/** @type {string[] | null} */ (null));
  const names = chosen
    ?? storedColumns('processes', all, standard).filter(
      (f) => all.includes(f));
  /* without a wish, a search has its best hits first */
  const sort = params.sort ?? (rich && params.q ? '' : '-cpu_percent');
  const asked = JSON.parse(useLagging(JSON.stringify({ ...params, sort,
    pid: undefined }), 250));
  const path = pathOf(rich, names, asked);
  const { data, error, stale, partial, path: of } = useFeed(path);
  const rows = rich ? data ?? [] : narrowed(data ?? [], params);
  const seen = useRef(/** @type {Set<string>} */ (new Set()));
  const open = params.pid ? Number(params.pid) : 0;
  const shown = (data ?? []).find((p) => p.pid === open);

  for (const p of data ?? []) {
    if (p.username) {
      seen.current.add(p.username);
    }
  }

  const choose = (list) => {
    storeColumns('processes', list);
    setChosen(list);
  };

  /* the same while nothing of it changes: then rows need no second look */
  const columns = useMemo(() => columnsOf(names, (p) => html`<button
    type="button" data-pid=${p.pid}
    class=${`plain row-name${p.pid === open ? ' on' : ''}`}
    aria-expanded=${p.pid === open ? 'true' : 'false'}
    onClick=${() => setParams({ pid: p.pid === open ? '' : String(p.pid) })}>
    ${asked.tree && p.depth > 0 && html`<i aria-hidden="true"
      style=${{ width: `${Math.min(p.depth, 12) * 1.1}rem` }} />`}
    <${Text} value=${p.name} class="strong" /></button>`),
  [names.join(), open, asked.tree, app.get().lang]);

  const close = () => {
    const row = document.querySelector(`[data-pid="${open}"]`);

    setParams({ pid: '' });
    /** @type {HTMLElement | null} */ (row
      ?? document.querySelector('.processes .window'))?.focus();
  };

  const aside = html`<span class="aside" role="status">
      ${data && tn('procs.count', rows.length)}</span>
    <${Columns} all=${all} names=${names} standard=${standard}
      choose=${choose} />`;

  return html`<div class=${open ? 'beside' : ''}>
    <${Card} id="processes" title=${t('nav.processes')} aside=${aside}
      class=${`processes${stale ? ' stale' : ''}`}>
      <${Filters} params=${params} rich=${rich}
        users=${[...seen.current].sort()} />
      ${error && html`<${Notice} kind="bad" live="alert">
        <${Problem} error=${error} /><//>`}
      <${Table} label=${t('nav.processes')} rows=${rows} window
        columns=${columns} keyOf=${keyOf}
        question=${rich ? of : `${params.q} ${params.user}`}
        sort=${sort} onSort=${(s) => setParams({ sort: s })}
        ordered=${Boolean(rich && (asked.tree || sort === ''))}
        chosen=${shown && keyOf(shown)}
        rowClass=${(p) => (p.pid === open ? 'chosen'
          : p.ancestor ? 'dim' : '')}
        empty=${t(data || error ? 'table.empty' : 'table.loading')} />
      ${partial && html`<p class="foot">
        ${t('procs.partial', { fields: plain(partial) })}</p>`}
    <//>
    ${open > 0 && html`<${ProcessDrawer} key=${open} pid=${open} rich=${rich}
      row=${shown} policy=${policy}
      session=${session} onClose=${close} />`}
  </div>`;
}


/**
 * @param {{ params: Record<string, string>, rich: boolean | undefined,
 *           users: string[] }} props
 */
function Filters({ params, rich, users }) {
  /** @param {string} key */
  const on = (key) => (e) => setParams({ [key]: e.target.value });
  const known = params.user && !users.includes(params.user)
    ? [params.user, ...users] : users;

  return html`<form class="filters wrap" role="search"
    aria-label=${t('procs.filters')} onSubmit=${(e) => e.preventDefault()}>
    <label><span>${t('procs.search')}</span>
      <input type="search" name="q" value=${params.q ?? ''} maxlength="128"
        placeholder=${rich ? t('procs.search_in') : undefined}
        spellcheck="false" autocomplete="off" onInput=${on('q')} /></label>
    <label><span>${tm('field', 'username')}</span>
      <select value=${params.user ?? ''} onChange=${on('user')}>
        <option value="">${t('log.any')}</option>
        ${known.map((u) => html`<option key=${u} value=${u}>
          ${plain(u)}</option>`)}</select></label>
    ${rich && html`
      <label><span>${tm('field', 'status')}</span>
        <select value=${params.status ?? ''} onChange=${on('status')}>
          <option value="">${t('log.any')}</option>
          ${SETS.status.map((s) => html`<option key=${s} value=${s}>
            ${tm('status', s)}</option>`)}</select></label>
      <label class="expression"><span>${t('procs.filter')}</span>
        <input type="search" name="filter" value=${params.filter ?? ''}
          maxlength="512" class="mono" placeholder=${EXAMPLES[0]}
          spellcheck="false" autocapitalize="none" autocomplete="off"
          onInput=${on('filter')} /></label>
      <${FilterHelp} />
      <label class="check"><input type="checkbox"
        checked=${Boolean(params.tree)} onChange=${(e) => setParams(
          { tree: e.target.checked ? '1' : '' })} />${t('procs.tree')}</label>`}
  </form>`;
}


function FilterHelp() {
  return html`
    <button type="button" class="tool" popovertarget="filter-help"
      aria-label=${t('procs.filter_help')} title=${t('procs.filter_help')}>
      <${Icon} name="help" /></button>
    <div id="filter-help" popover="auto" class="popover help">
      <p>${t('filter.what')}</p>
      <dl class="effect">
        <div><dt>${t('filter.operators')}</dt>
          <dd class="mono">${'= != < <= > >= ~ and or not ( )'}</dd></div>
        <div><dt>${t('filter.values')}</dt><dd>${t('filter.value_forms')}</dd>
        </div>
        <div><dt>${t('filter.fields')}</dt>
          <dd class="mono">${Object.keys(FIELDS).filter(
            (f) => !FIELDS[f].whole).join(' ')}</dd></div>
      </dl>
      <p>${t('filter.examples')}</p>
      <ul>${EXAMPLES.map((e) => html`<li key=${e}>
        <button type="button" class="plain mono"
          onClick=${() => setParams({ filter: e })}>${e}</button></li>`)}</ul>
    </div>`;
}


/**
 * @param {{ all: string[], names: string[], standard: string[],
 *           choose: (names: string[]) => void }} props
 */
function Columns({ all, names, standard, choose }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));

  /* the popover stands below its button, wherever that is */
  useEffect(() => {
    const here = box.current;
    const place = () => {
      const below = here?.previousElementSibling?.getBoundingClientRect();

      here?.style.setProperty('top', `${(below?.bottom ?? 0) + 6}px`);
    };

    here?.addEventListener('beforetoggle', place);

    return () => here?.removeEventListener('beforetoggle', place);
  }, []);

  return html`
    <button type="button" popovertarget="columns">
      <${Icon} name="columns" />${t('procs.columns')}</button>
    <div id="columns" popover="auto" class="popover columns-menu" ref=${box}
      role="group" aria-label=${t('procs.columns')}>
      <div class="choices">${all.map((f) => html`
        <label key=${f} class="check"><input type="checkbox"
          checked=${names.includes(f)} disabled=${f === 'name'}
          onChange=${(e) => choose(all.filter((c) => (
            c === f ? e.target.checked : names.includes(c))))} />
          <span title=${has('about', f) ? tm('about', f) : undefined}>
            ${tm('field', f)}</span></label>`)}</div>
      <button type="button" onClick=${() => choose(standard)}>
        ${t('procs.columns_default')}</button>
    </div>`;
}
