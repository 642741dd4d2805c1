/*
 * The last minutes of the summary: what the charts draw.  What was before the
 * page was opened, and what it missed while it was hidden, is the server's
 * history where it keeps one; else a pause in the polling is a gap in the
 * line.
 */

import { ApiError, request } from './api.js';

const KEPT = 15 * 60;           /* seconds */
const GAP = 15;

/** @type {(number | null)[][]} time, cpu busy, memory, swap, load */
const rows = [[], [], [], [], []];
let generation = -1;
let version = 0;
/* the server's: the last sample we have, whether we wait for more */
let seq = 0, asking = false, none = false;


/** @param {any} summary an answer of system/summary */
export function remember(summary) {
  const at = Date.parse(summary.time) / 1000 || Date.now() / 1000;
  const last = rows[0].at(-1) ?? 0;

  if (summary.generation === generation || at <= last) {
    return;
  }

  generation = summary.generation;
  version++;

  if (!last || at - last > GAP) {
    recall();
  }

  if (last && at - last > GAP) {
    push([last + 1, null, null, null, null]);
  }

  push(valuesOf(summary, at));
  forgetBefore(rows, at - KEPT);
}


/** @param {any} s a summary, or a sample of the history @param {number} at */
const valuesOf = ({ cpu, memory, swap, load }, at) => [at, busy(cpu),
  share(memory?.used_available, memory?.total), share(swap?.used, swap?.total),
  load?.[0] ?? null];


/** @param {(number | null)[][]} all the first holds the times */
function forgetBefore(all, time) {
  const old = all[0].findIndex((at) => Number(at) >= time);

  if (old > 0) {
    all.forEach((row) => row.splice(0, old));
  }
}


/* what the server remembers takes the place of what we saw meanwhile */
async function recall() {
  if (asking || none) {
    return;
  }

  asking = true;

  try {
    const { data } = await request('GET',
      `system/history?since=${seq}&limit=${KEPT}`);

    seq = data.next;
    adopt(data.history ?? []);
  } catch (error) {
    if (!(error instanceof ApiError)) {
      throw error;
    }

    none = [400, 403, 404, 501].includes(error.status);
  } finally {
    asking = false;
  }
}


/** @param {any[]} samples oldest first */
function adopt(samples) {
  const times = samples.map((s) => Date.parse(s.time) / 1000);
  const nets = { time: network.time, recv: network.recv, sent: network.sent };

  merge(rows, samples.map((s, i) => valuesOf(s, times[i])));
  merge(Object.values(nets), samples.map((s, i) => [times[i],
    s.network?.rx_bytes_per_s ?? null, s.network?.tx_bytes_per_s ?? null]));
  version++;
  network.version++;
}


/** @param {(number | null)[][]} all @param {(number | null)[][]} fresh */
function merge(all, fresh) {
  if (fresh.length === 0) {
    return;
  }

  const from = Number(fresh[0][0]), to = Number(fresh.at(-1)?.[0]);
  const kept = all[0].map((_, i) => all.map((row) => row[i]));
  const next = [...kept.filter(([at]) => Number(at) < from), ...fresh,
    ...kept.filter(([at]) => Number(at) > to)];

  all.forEach((row, i) => row.splice(0, row.length, ...next.map((v) => v[i])));
}


/* the sum of what all interfaces but the loopback carried */

/** @type {{ version: number, time: number[], recv: (number | null)[],
 *           sent: (number | null)[] }} */
const network = { version: 0, time: [], recv: [], sent: [] };
let carried = { at: 0, recv: 0, sent: 0 };

/** @param {any} io an answer of system/network/io @param {number} ms */
export function rememberNetwork(io, ms) {
  const at = ms / 1000;
  const seconds = at - carried.at;

  if (seconds < .5) {
    return;
  }

  const now = { at, recv: 0, sent: 0 };

  for (const [nic, n] of Object.entries(io)) {
    if (nic !== 'lo') {
      now.recv += n.bytes_recv;
      now.sent += n.bytes_sent;
    }
  }

  if (carried.at) {
    const rate = (key) => (seconds > GAP ? null
      : Math.max(0, (now[key] - carried[key]) / seconds));

    network.time.push(at);
    network.recv.push(rate('recv'));
    network.sent.push(rate('sent'));
    network.version++;

    forgetBefore([network.time, network.recv, network.sent], at - KEPT);
  }

  carried = now;
}


/** @param {(number | null)[]} values */
const push = (values) => rows.forEach((row, i) => row.push(values[i]));


/** @param {any} cpu percent that is not idle */
export const busy = (cpu) => (typeof cpu?.id === 'number'
  ? Math.max(0, 100 - cpu.id) : null);


/** @param {any} part @param {any} whole percent; nothing of nothing is 0 */
export function share(part, whole) {
  if (typeof part !== 'number' || typeof whole !== 'number') {
    return null;
  }

  return whole === 0 ? 0 : 100 * part / whole;
}


/** the server is another one, or another session looks */
export function forget() {
  rows.forEach((row) => { row.length = 0; });
  [network.time, network.recv, network.sent].forEach((r) => { r.length = 0; });
  carried = { at: 0, recv: 0, sent: 0 };
  generation = -1;
  seq = 0;
  none = false;
  version++;
}


export const history = () => ({ version, time: rows[0], cpu: rows[1],
  memory: rows[2], swap: rows[3], load: rows[4], network });
