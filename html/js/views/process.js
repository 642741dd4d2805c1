/* The drawer of one process: its figures now, then everything known of it */

import { useEffect, useRef, useState } from 'preact/hooks';

import { ionice, orDash, started, words } from '../fields.js';
import { bytes, duration, number, plain } from '../format.js';
import { has, t, tm } from '../i18n.js';
import { useFeed } from '../poll.js';
import { setParams } from '../store.js';
import { Chart } from '../ui/chart.js';
import { html } from '../ui/html.js';
import { Icon } from '../ui/icons.js';
import { Notice, Output, Pairs, Problem, Status, Text } from '../ui/parts.js';
import { Segments } from '../ui/segments.js';
import { Table } from '../ui/table.js';
import { PriorityDialog, SignalDialog, may } from './process-act.js';
import { NewWatch } from './watch.js';

const NOW = 'identity,pid,ppid,name,username,status,cpu_percent,'
  + 'memory_percent,rss,vms,shared,num_threads,num_fds,create_time,unit,cgroup';
/* all but the environment: each look at its values is a row of the log */
const ALL = `${NOW},exe,cmdline,cwd,nice,ionice,io_counters,num_ctx_switches,`
  + 'num_handles,threads,cpu_times,cpu_num,cpu_affinity,memory_info,'
  + 'memory_full_info,memory_maps,open_files,connections,uids,gids,terminal';
const WHOLE = 5000;            /* ms: it opens some dozen files */
const ONCE = 3600000;
const KEPT = 300;              /* points of the charts */
const MOST = 200;              /* rows of a list in the drawer */
const LONG = 20;               /* characters of a path there */


/** @param {any} now grows a history as long as the drawer is open
 *  @param {any} p the same and what else is known */
function useCourse(now, p) {
  const course = useRef({ version: 0,
    rows: /** @type {(number | null)[][]} */ ([[], [], []]) });
  const { rows } = course.current;
  const last = useRef(/** @type {any} */ (null));

  if (now && now !== last.current) {
    last.current = now;
    course.current.version++;

    [Date.now() / 1000, p.cpu_percent ?? null, p.rss ?? null]
      .forEach((v, i) => {
        rows[i].push(v);

        if (rows[i].length > KEPT) {
          rows[i].shift();
        }
      });
  }

  return course.current;
}


/**
 * @param {{ pid: number, rich: boolean | undefined, row: any, policy: any,
 *           session: import('../store.js').Session, onClose: () => void,
 *         }} props
 */
export function ProcessDrawer({ pid, rich, row, policy, session,
  onClose }) {
  const brief = useFeed(rich
    ? `system/process/info?fields=${NOW}&pid=${pid}` : null);
  const feed = useFeed(rich === undefined ? null : rich
    ? `system/process/info?fields=${ALL}&pid=${pid}&shape=object`
    : `system/process/${pid}?simple=false&shape=object`, WHOLE);
  const watches = useFeed(session.role === 'viewer' ? null
    : 'memory/watches', WHOLE);
  const whole = feed.data?.[0];
  const { rss, vms, shared } = whole?.memory_info ?? {};
  const now = brief.data?.[0] ?? row;
  /* what was known of one that is gone stays on the screen */
  const known = useRef(/** @type {any} */ ({}));
  const p = known.current = { ...known.current, ...whole,
    ...whole && { rss, vms, shared }, ...now };
  const { version, rows } = useCourse(now, p);
  const [act, setAct] = useState('');
  const title = useRef(/** @type {HTMLElement | null} */ (null));
  const gone = brief.data?.length === 0 || feed.error?.status === 404;

  useEffect(() => {
    title.current?.focus();

    const onKey = (/** @type {KeyboardEvent} */ event) => {
      if (event.key === 'Escape' && !event.defaultPrevented
        && !document.querySelector('dialog, :popover-open')) {
        onClose();
      }
    };

    addEventListener('keydown', onKey);

    return () => removeEventListener('keydown', onKey);
  }, []);

  return html`<aside class="card drawer" aria-labelledby="drawer">
    <div class="head">
      <h2 id="drawer" tabindex="-1" ref=${title}>
        <${Text} value=${p.name ?? '–'} />${' '}
        <span class="mono pid">${pid}</span></h2>
      <button type="button" class="tool" aria-label=${t('dialog.close')}
        title=${t('dialog.close')} onClick=${onClose}>
        <${Icon} name="close" /></button>
    </div>
    ${gone && html`<${Notice} kind="warn">
      ${tm('code', 'no_such_process')}<//>`}
    ${!gone && p.create_time && html`<div class="acts">
      ${whole && may(policy, 'signals', p) && html`<button type="button"
        onClick=${() => setAct('signal')}>${t('act.signal')}</button>`}
      ${whole && may(policy, 'priorities', p) && html`<button type="button"
        onClick=${() => setAct('priority')}>${t('act.priority')}</button>`}
      ${watches.data && html`<button type="button"
        onClick=${() => setAct('watch')}>${t('watch.this')}</button>`}
    </div>`}
    ${now && html`<div class="courses">
      <${Chart} label="CPU" height=${7} wide version=${version}
        data=${[rows[0], rows[1]]}
        tick=${(n) => `${number(n, n < 10 ? 1 : 0)} %`}
        series=${[{ name: '', colour: '--c1',
          format: (n) => `${number(n, 1)} %` }]} />
      <${Chart} label=${tm('field', 'rss')} height=${7} wide version=${version}
        data=${[rows[0], rows[2]]} tick=${bytes}
        series=${[{ name: '', colour: '--c2', format: bytes }]} />
    </div>`}
    <${Facts} p=${p} />
    ${whole ? html`<${Whole} p=${p} />` : feed.error && feed.error.status > 404
      && html`<${Notice} kind="bad"><${Problem} error=${feed.error} /><//>`}
    ${act === 'watch' && html`<${NewWatch} pid=${pid} name=${p.name}
      onClose=${() => setAct('')} />`}
    ${act === 'signal' && html`<${SignalDialog} p=${p} policy=${policy}
      onClose=${() => setAct('')} />`}
    ${act === 'priority' && html`<${PriorityDialog} p=${p} policy=${policy}
      onClose=${() => setAct('')} />`}
  </aside>`;
}


/** @param {any} v ids: real, effective, saved */
const ids = (v) => (v ? Object.values(v).map(Number).join(' ') : undefined);


/** @param {{ p: any }} props what is one line each */
function Facts({ p }) {
  const f = (key) => tm('field', key);
  const text = (v, cls = 'mono') => (v === undefined ? undefined
    : html`<${Text} value=${v} class=${cls} />`);
  const num = (v) => (v === undefined ? undefined : orDash(v));
  const size = (v) => (v === undefined ? undefined : bytes(v));

  return html`<${Pairs} class="facts-list" of=${[
    [f('username'), text(p.username, '')],
    [f('status'), p.status && html`<${Status} status=${p.status} />`],
    [f('cmdline'), text(p.cmdline && words(p.cmdline))],
    [f('exe'), text(p.exe)],
    [f('cwd'), text(p.cwd)],
    [f('unit'), text(p.unit)],
    [f('cgroup'), text(p.cgroup)],
    [f('ppid'), p.ppid === undefined ? undefined
      : p.ppid === 0 ? '0' : html`<button type="button" class="plain link"
        onClick=${() => setParams({ pid: String(p.ppid) })}>
        ${p.ppid}</button>`],
    [f('create_time'), p.create_time && html`
      <time title=${new Date(p.create_time * 1000).toISOString()}>
        ${started(p.create_time)}</time>`],
    [f('memory_percent'), p.memory_percent === undefined ? undefined
      : `${number(p.memory_percent, 2)} %`],
    [f('rss'), size(p.rss)],
    [f('vms'), size(p.vms)],
    [f('shared'), size(p.shared)],
    [f('num_threads'), num(p.num_threads)],
    [f('num_fds'), num(p.num_fds)],
    [f('cpu_times'), p.cpu_times && Object.entries(p.cpu_times)
      .map(([k, v]) => `${plain(k)} ${duration(v)}`).join(', ')],
    [f('cpu_num'), num(p.cpu_num)],
    [f('cpu_affinity'), text(p.cpu_affinity && ranges(p.cpu_affinity))],
    [f('nice'), num(p.nice)],
    [f('ionice'), text(p.ionice && ionice(p.ionice), '')],
    [f('num_ctx_switches'), p.num_ctx_switches && Object.entries(
      p.num_ctx_switches).map(([k, v]) => `${plain(k)} ${number(v)}`)
      .join(', ')],
    [f('uids'), text(ids(p.uids))],
    [f('gids'), text(ids(p.gids))],
    [f('terminal'), text(p.terminal)],
  ]} />`;
}


/** @param {number[]} list 0,1,2,5 as 0-2,5 */
function ranges(list) {
  /** @type {number[][]} */
  const runs = [];

  for (const n of list) {
    if (runs.length > 0 && runs[runs.length - 1][1] === n - 1) {
      runs[runs.length - 1][1] = n;
    } else {
      runs.push([n, n]);
    }
  }

  return runs.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`)).join(',');
}


/* the groups of the full object; what they do not name comes last */

const LISTED = new Set(['threads', 'open_files', 'connections', 'environ',
  'memory_maps', 'memory_info', 'memory_full_info', 'io_counters']);
const TOLD = new Set(['identity', 'pid', 'name', 'username', 'status',
  'cmdline', 'exe', 'cwd', 'unit', 'cgroup', 'ppid', 'create_time',
  'cpu_percent', 'memory_percent', 'rss', 'vms', 'shared', 'num_threads',
  'num_fds', 'num_handles', 'cpu_times', 'cpu_num', 'cpu_affinity', 'nice',
  'ionice', 'num_ctx_switches', 'uids', 'gids', 'terminal', 'num_openfiles']);


/** @param {{ p: any }} props */
function Whole({ p }) {
  const rest = Object.entries(p).filter(
    ([key]) => !LISTED.has(key) && !TOLD.has(key));
  const memory = { ...p.memory_info, ...p.memory_full_info };

  return html`
    <${Group} name="memory" value=${p.memory_info}>
      <${Pairs} class="facts-list" of=${Object.entries(memory).map(
        ([k, v]) => [plain(k), typeof v === 'number' ? bytes(v)
          : orDash(null)])} /><//>
    <${Group} name="segments" value=${p.memory_info}>
      <${Segments} pid=${p.pid} /><//>
    <${Group} name="io_counters" value=${p.io_counters}>
      <${Pairs} class="facts-list" of=${Object.entries(p.io_counters ?? {})
        .map(([k, v]) => [plain(k), /bytes|chars/.test(k) ? bytes(v)
          : number(v)])} /><//>
    <${List} name="threads" rows=${p.threads} keyOf=${(r) => String(r.id)}
      columns=${['id', 'user_time', 'system_time']} />
    <${List} name="open_files" rows=${p.open_files}
      keyOf=${(r) => `${r.fd} ${r.path}`}
      columns=${['fd', 'path', 'mode', 'position']} />
    <${List} name="connections" rows=${(p.connections ?? null)?.map(socket)}
      keyOf=${(r) => `${r.fd} ${r.type} ${r.laddr} ${r.raddr}`}
      columns=${['fd', 'type', 'laddr', 'raddr', 'status']} />
    <${List} name="memory_maps" rows=${largest(p.memory_maps)} brief
      keyOf=${(r) => `${r.addr ?? ''} ${r.path}`}
      columns=${['path', 'rss', 'size', 'pss', 'swap']} />
    <${Group} name="environ" value=${p.pid}>
      <${Environment} pid=${p.pid} /><//>
    ${rest.length > 0 && html`<${Group} name="others" value=${rest}>
      <${Output} label=${t('group.others')}
        value=${JSON.stringify(Object.fromEntries(rest), null, 1)} /><//>`}`;
}


/** @param {{ pid: number }} props asked for when it is opened, once */
function Environment({ pid }) {
  const { data, error } = useFeed(`system/process/${pid}/environ`, ONCE);

  if (error) {
    return html`<div class="padded"><${Notice} kind="warn">
      <${Problem} error=${error} /><//></div>`;
  }

  return html`<dl class="facts-list mono">${Object.entries(data ?? {}).map(
    ([k, v]) => html`<div key=${k}><dt>${plain(k)}</dt>
      <dd><${Text} value=${v} /></dd></div>`)}</dl>`;
}


/** @param {any} address */
const place = (address) => (address && typeof address === 'object'
  ? Object.values(address).join(':') : address);

/** @param {any} c a connection as psutil has it */
const socket = (c) => ({ ...c, laddr: place(c.laddr) || '–',
  raddr: place(c.raddr) || '–',
  type: `${({ 1: 'tcp', 2: 'udp' })[c.type] ?? c.type}${
    c.family === 10 ? '6' : ''}` });

/** @param {any[] | null} maps */
const largest = (maps) => maps && [...maps].sort((a, b) => b.rss - a.rss);


/**
 * @param {{ name: string, value: any, count?: number, children?: any }} props
 * null: not permitted
 */
function Group({ name, value, count, children }) {
  const [open, setOpen] = useState(false);

  if (value === undefined) {
    return null;
  }

  return html`<details class="group"
    onToggle=${(e) => setOpen(e.currentTarget.open)}>
    <summary>${t(`group.${name}`)} ${value === null
      ? html`<span class="muted">${t('value.unknown')}</span>`
      : count !== undefined && html`<span class="count">${count}</span>`}
    </summary>
    ${open && value !== null && children}
  </details>`;
}


const SIZES = new Set(['rss', 'size', 'pss', 'swap']);

/** @param {any} path */
const lastPart = (path) => (path?.length > LONG
  ? path.replace(/^.*\/(?=.)/, '') : path);

/**
 * @param {{ name: string, rows: any[] | null | undefined, columns: string[],
 *           keyOf: (row: any) => string, brief?: boolean }} props
 * brief: of a long path its last part; the whole of it on hover
 */
function List({ name, rows, columns, keyOf, brief }) {
  const shown = (rows ?? []).slice(0, MOST);
  const heads = columns.filter((c) => shown.length === 0
    || shown.some((row) => row[c] !== undefined));

  return html`<${Group} name=${name} value=${rows} count=${rows?.length}>
    <${Table} label=${t(`group.${name}`)} rows=${shown} keyOf=${keyOf}
      empty=${t('table.empty')} columns=${heads.map((id) => ({
        id, label: has('part', id) ? tm('part', id) : id,
        num: SIZES.has(id) || id === 'id' || id === 'fd',
        class: id === 'path' ? 'mono long' : '',
        cell: (row) => (SIZES.has(id) ? bytes(row[id])
          : id.endsWith('_time') ? `${number(row[id], 2)} s`
            : html`<${Text} title=${plain(row[id])}
              value=${brief ? lastPart(row[id]) : row[id]} />`),
      }))} />
    ${(rows?.length ?? 0) > MOST && html`<p class="foot">
      ${t('table.more', { n: (rows?.length ?? 0) - MOST })}</p>`}
  <//>`;
}
