/*
 * The fields of a process as the table's columns show them.
 */

import { bytes, clock, duration, number, plain } from './format.js';
import { has, t, tm } from './i18n.js';
import { html } from './ui/html.js';
import { Bar, Status, Text } from './ui/parts.js';


/** @param {any} n */
export const orDash = (n) => (n === null || n === undefined
  ? html`<span class="na" title=${t('value.unknown')}>–</span>`
  : typeof n === 'number' ? number(n) : plain(n));

/** @param {any} n */
const rate = (n) => (typeof n === 'number' ? `${bytes(n)}/s` : orDash(null));

/** @param {any} v an array or an object of numbers */
const sum = (v) => (v && typeof v === 'object'
  ? Object.values(v).slice(0, 2).reduce((a, b) => a + (Number(b) || 0), 0)
  : null);

/** @param {any} v */
export const words = (v) => (Array.isArray(v) ? v.join(' ') : v);

/** @param {any} seconds of psutil: since 1970 */
export const started = (seconds) => (typeof seconds === 'number'
  ? clock(new Date(seconds * 1000)) : '–');

/** as the pair of class and value is called by ionice(1)
 * @param {any} v */
export function ionice(v) {
  const pair = Array.isArray(v) ? v : v && [v.ioclass, v.value];

  if (!pair) {
    return null;
  }

  const name = ['none', 'realtime', 'best-effort', 'idle'][Number(pair[0])];

  return pair[0] === 1 || pair[0] === 2 ? `${name} ${pair[1]}` : name ?? null;
}


/**
 * @typedef {{ width?: number, num?: boolean, down?: boolean, class?: string,
 *   basic?: boolean, whole?: boolean, value?: (p: any) => any,
 *   cell?: (p: any) => any }} Field
 *
 * width: rem; without one it takes what is left.  basic: it is in the short
 * list too.  whole: the server cannot compare it.  value: what sorts; cell:
 * else the value
 *
 * @type {Record<string, Field>}
 */
export const FIELDS = {
  pid: { width: 4.6, num: true, class: 'mono', basic: true,
    cell: (p) => p.pid },
  name: { class: 'name', basic: true },
  username: { width: 6.5, basic: true },
  cpu_percent: { width: 7.2, num: true, down: true, basic: true,
    cell: (p) => html`<${Bar} value=${p.cpu_percent} cls="c1" />` },
  memory_percent: { width: 6.6, num: true, down: true, basic: true,
    cell: (p) => html`<${Bar} value=${p.memory_percent} cls="c2" />` },
  rss: { width: 5.6, num: true, down: true, cell: (p) => bytes(p.rss) },
  vms: { width: 5.6, num: true, down: true, cell: (p) => bytes(p.vms) },
  shared: { width: 5.6, num: true, down: true, cell: (p) => bytes(p.shared) },
  num_threads: { width: 5.8, num: true, down: true, basic: true },
  num_openfiles: { width: 6.6, num: true, down: true, basic: true },
  num_fds: { width: 4.4, num: true, down: true },
  status: { width: 7.4, cell: (p) => html`<${Status} status=${p.status} />` },
  swap: { width: 5.8, num: true, down: true, cell: (p) => bytes(p.swap) },
  read_bytes_per_s: { width: 6.6, num: true, down: true,
    cell: (p) => rate(p.read_bytes_per_s) },
  write_bytes_per_s: { width: 6.6, num: true, down: true,
    cell: (p) => rate(p.write_bytes_per_s) },
  ppid: { width: 4.8, num: true, class: 'mono',
    cell: (p) => p.ppid ?? orDash(null) },
  create_time: { width: 11, down: true, cell: (p) => started(p.create_time) },
  cpu_times: { width: 7, num: true, down: true, whole: true,
    value: (p) => sum(p.cpu_times),
    cell: (p) => duration(sum(p.cpu_times)) },
  cpu_num: { width: 4, num: true },
  nice: { width: 4, num: true },
  ionice: { width: 7.5, whole: true, value: (p) => ionice(p.ionice) },
  num_ctx_switches: { width: 7, num: true, down: true, whole: true,
    value: (p) => sum(p.num_ctx_switches) },
  terminal: { width: 6.5, class: 'mono' },
  exe: { width: 18, class: 'mono long' },
  cwd: { width: 14, class: 'mono long' },
  cmdline: { width: 26, class: 'mono long', value: (p) => words(p.cmdline) },
  unit: { width: 12 },
  cgroup: { width: 20, class: 'mono long' },
};

export const DEFAULTS = ['pid', 'name', 'username', 'cpu_percent',
  'memory_percent', 'rss', 'vms', 'shared', 'num_threads', 'num_fds',
  'status'];


/**
 * @param {string[]} names @param {(p: any) => any} nameCell
 * @returns {import('./ui/table.js').Column<any>[]}
 */
export const columnsOf = (names, nameCell) => names.map((id) => {
  const field = FIELDS[id];
  const value = field.value ?? ((p) => p[id]);
  const show = (p) => (field.num ? orDash(value(p))
    : html`<${Text} value=${value(p)} title=${
      field.class?.includes('long') && value(p) ? plain(value(p)) : undefined
    } />`);

  return { id, label: tm('field', id), num: field.num, down: field.down,
    class: field.class, width: field.width,
    title: has('about', id) ? tm('about', id) : undefined, value,
    cell: id === 'name' ? nameCell : field.cell ?? show };
});
