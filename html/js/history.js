/*
 * The last minutes of the summary, as long as the page is open: what the
 * charts draw.  A pause in the polling is a gap in the line.
 */

const KEPT = 15 * 60;           /* seconds */
const GAP = 15;

/** @type {(number | null)[][]} time, cpu busy, memory, swap, load */
const rows = [[], [], [], [], []];
let generation = -1;
let version = 0;


/** @param {any} summary an answer of system/summary */
export function remember(summary) {
  const { cpu, memory, swap, load } = summary;
  const at = Date.parse(summary.time) / 1000 || Date.now() / 1000;
  const last = rows[0].at(-1) ?? 0;

  if (summary.generation === generation || at <= last) {
    return;
  }

  generation = summary.generation;
  version++;

  if (last && at - last > GAP) {
    push([last + 1, null, null, null, null]);
  }

  push([at, busy(cpu), share(memory?.used_available, memory?.total),
    share(swap?.used, swap?.total), load?.[0] ?? null]);

  while (at - (rows[0][0] ?? at) > KEPT) {
    rows.forEach((row) => row.shift());
  }
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

    while (at - network.time[0] > KEPT) {
      [network.time, network.recv, network.sent].forEach((r) => r.shift());
    }
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
  version++;
}


export const history = () => ({ version, time: rows[0], cpu: rows[1],
  memory: rows[2], swap: rows[3], load: rows[4], network });
