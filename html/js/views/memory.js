/* Memory: watches, sums of groups, the parts of one process, measured runs */

import { useState } from 'preact/hooks';

import { commandAction, typed } from './services.js';
import { NewWatch, Trouble, Watch, targetOf } from './watch.js';
import { orDash } from '../fields.js';
import { bytes, clock, plain } from '../format.js';
import { share } from '../history.js';
import { t, tm } from '../i18n.js';
import { useFeed } from '../poll.js';
import { setParams } from '../store.js';
import { ActionDialog, Outcome } from '../ui/action.js';
import { html } from '../ui/html.js';
import { Icon } from '../ui/icons.js';
import { Bar, Card, Text, Time } from '../ui/parts.js';
import { Segments } from '../ui/segments.js';
import { Series } from '../ui/series.js';
import { Table } from '../ui/table.js';

const SHOWN = 12;              /* charts at once */
const SLOW = 5000;             /* ms */
const RUNS = 50;               /* commands looked through for them */


/**
 * @param {{ params: Record<string, string>,
 *           session: import('../store.js').Session }} props
 */
export function Memory({ params, session }) {
  const operator = session.role !== 'viewer';

  return html`
    <${Watches} params=${params} operator=${operator} />
    <div class="columns halves">
      <${Groups} params=${params} />
      <${One} params=${params} />
    </div>
    ${operator && html`<${Runs} params=${params} />`}`;
}


/** @param {any} error what this server has not is not shown */
const missing = (error) => error?.status === 404 || error?.status === 501;


/* watches */

/** @param {{ params: Record<string, string>, operator: boolean }} props */
function Watches({ params, operator }) {
  const { data, error } = useFeed('memory/watches');
  const [fresh, setFresh] = useState(false);
  const all = (Array.isArray(data) ? data : data?.watches) ?? [];
  const ended = all.filter((w) => !w.is_running).length;
  const rows = all.filter((w) => w.is_running || params.ended !== 'hide')
    .sort((a, b) => Number(b.is_running) - Number(a.is_running)
      || targetOf(a).text.localeCompare(targetOf(b).text));

  if (missing(error)) {
    return null;
  }

  const aside = html`
    ${ended > 0 && html`<label class="check"><input type="checkbox"
      checked=${params.ended !== 'hide'} onChange=${(e) => setParams(
        { ended: e.target.checked ? '' : 'hide' })} />
      ${t('watch.show_ended', { n: ended })}</label>`}
    ${operator && !error && html`<button type="button" class="primary"
      onClick=${() => setFresh(true)}>${t('watch.new')}</button>`}`;

  return html`<${Card} id="watches" title=${t('watch.title')} aside=${aside}>
      ${error && html`<${Trouble} error=${error} />`}
      ${!error && rows.length === 0 && html`<p class="empty">
        ${data ? t('watch.none') : t('table.loading')}</p>`}
    <//>
    ${rows.length > 0 && html`<div class="watches">
      ${rows.slice(0, SHOWN).map((w) => html`<${Watch} key=${w.id} watch=${w}
        operator=${operator} />`)}</div>`}
    ${rows.length > SHOWN && html`<p class="muted">
      ${t('watch.more', { n: rows.length - SHOWN })}</p>`}
    ${fresh && html`<${NewWatch} onClose=${() => setFresh(false)} />`}`;
}


/* sums */

const BY = ['user', 'unit', 'name'];

/** @param {{ params: Record<string, string> }} props */
function Groups({ params }) {
  const by = BY.includes(params.by) ? params.by : 'user';
  const { data, error } = useFeed(`memory/groups?by=${by}`, SLOW);
  const rows = (Array.isArray(data) ? data : data?.groups) ?? [];
  const most = Math.max(...rows.map((g) => g.rss ?? 0), 0);
  const size = (key) => ({ id: key, label: tm('amount', key), num: true,
    down: true, value: (g) => g[key], title: tm('measure', key),
    cell: (g) => (typeof g[key] === 'number' ? bytes(g[key])
      : orDash(null)) });
  const columns = [
    { id: 'group', label: t(`groups.${by}`), class: 'grow clip',
      value: (g) => g[by] ?? g.group,
      cell: (g) => html`<${Text} value=${g[by] ?? g.group ?? null}
        class="strong" />` },
    { id: 'processes', label: t('groups.processes'), num: true, down: true,
      value: (g) => g.processes, cell: (g) => orDash(g.processes) },
    { ...size('rss'), cell: (g) => html`<${Bar} cls="c1" text=${bytes(g.rss)}
      value=${share(g.rss, most)} />` },
    size('pss'), { ...size('swap'), class: 'low' },
  ];

  if (missing(error)) {
    return null;
  }

  const aside = html`<label class="check">${t('groups.by')}
    <select value=${by} onChange=${(e) => setParams({ by: e.target.value })}>
      ${BY.map((b) => html`<option key=${b} value=${b}>${t(`groups.${b}`)}
        </option>`)}</select></label>`;

  return html`<${Card} id="groups" title=${t('groups.title')} aside=${aside}>
    ${error && html`<${Trouble} error=${error} />`}
    <${Table} label=${t('groups.title')} columns=${columns} rows=${rows}
      class="groups" keyOf=${(g) => String(g[by] ?? g.group)} question=${by}
      sort=${params.sort ?? '-rss'} onSort=${(sort) => setParams({ sort })}
      empty=${data ? t('table.empty') : t('table.loading')} />
    <p class="foot">${t('groups.note')}</p>
  <//>`;
}


/* the parts of one process */

/** @param {{ params: Record<string, string> }} props */
function One({ params }) {
  const pid = /^[1-9]\d{0,9}$/.test(params.pid ?? '') ? Number(params.pid) : 0;
  const largest = useFeed('system/process?num=10', SLOW).data ?? [];
  const chosen = pid || largest[0]?.pid || 0;
  const known = largest.some((p) => p.pid === chosen);

  const aside = html`<label class="check">${t('segments.process')}
    <select name="process" value=${String(chosen)}
      onChange=${(e) => setParams({ pid: e.target.value })}>
      ${!known && chosen > 0 && html`<option value=${chosen}>${chosen}
        </option>`}
      ${largest.map((p) => html`<option key=${p.pid} value=${String(p.pid)}>
        ${plain(p.name)} (${p.pid})</option>`)}</select></label>`;

  return html`<${Card} id="segments" title=${t('segments.title')}
    aside=${aside}>
    ${chosen > 0 && html`<${Segments} key=${chosen} pid=${chosen} />`}
  <//>`;
}


/* measured runs */

/** @param {{ params: Record<string, string> }} props */
function Runs({ params }) {
  const commands = useFeed('control/commands', 60000).data ?? [];
  const { data } = useFeed(`log?logType=command_run&limit=${RUNS}`, SLOW);
  const [text, setText] = useState('');
  const [action, setAction] = useState(/** @type {any} */ (null));
  const runs = (data?.rows ?? []).filter((r) => r.usage);
  const shown = runs.find((r) => r.op_id === params.run) ?? runs[0];

  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    setAction(commandAction(text.trim(), true));
  };

  return html`<${Card} id="runs" title=${t('runs.title')}>
    <form class="filters wrap runs" onSubmit=${submit}>
      <label><span>${t('form.command')}</span>
        <input name="run" required list="measured" value=${text} class="mono"
          maxlength="1024" spellcheck="false" autocapitalize="none"
          autocomplete="off" placeholder=${commands[0] ? plain(typed(
            commands[0])) : ''} onInput=${(e) => setText(e.target.value)} />
        <datalist id="measured">${commands.map((c) => html`
          <option key=${c.id} value=${typed(c)} />`)}</datalist></label>
      <button type="submit" class="primary">
        <${Icon} name="start" />${t('runs.run')}</button>
      ${runs.length > 0 && html`<label><span>${t('runs.past')}</span>
        <select name="past" value=${shown.op_id}
          onChange=${(e) => setParams({ run: e.target.value })}>
          ${runs.map((r) => html`<option key=${r.op_id} value=${r.op_id}>
            ${clock(new Date(r.logTime))} ${plain(r.target)}
            </option>`)}</select></label>`}
    </form>
    ${shown ? html`<div class="detail-row"><div class="detail">
        <p><${Time} value=${shown.logTime} />${' '}
          <${Text} value=${(shown.argv ?? [shown.target]).join(' ')}
            class="mono" /></p>
        <${Outcome} op=${shown} />
        <${Series} key=${shown.op_id} id=${shown.op_id} /></div></div>`
      : html`<p class="empty">${t('runs.none')}</p>`}
    ${action && html`<${ActionDialog} action=${action}
      onClose=${() => setAction(null)} />`}
  <//>`;
}
