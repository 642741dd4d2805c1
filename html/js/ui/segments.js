/* What the memory of one process is made of: a bar of its parts, a table */

import { useState } from 'preact/hooks';

import { html } from './html.js';
import { Meter } from './meter.js';
import { Notice, Pairs, Problem } from './parts.js';
import { Table } from './table.js';
import { orDash } from '../fields.js';
import { bytes } from '../format.js';
import { share } from '../history.js';
import { SETS, t, tm, tn } from '../i18n.js';
import { useFeed } from '../poll.js';

const PACE = 5000;             /* ms: the kernel walks all its pages */

/** @type {Record<string, string>} */
const COLOURS = { text: 'c6', data: 'c3', heap: 'c4', stack: 'c7',
  libraries: 'c2', anonymous: 'c1', shared: 'c8', other: 'c5' };


/** @param {any} n */
const size = (n) => (typeof n === 'number' ? bytes(n) : orDash(null));


/** @param {{ pid: number }} props */
export function Segments({ pid }) {
  const { data, error } = useFeed(`memory/${pid}`, PACE);
  const [by, setBy] = useState('rss');

  if (error || !data) {
    return html`<div class="padded">${error
      ? html`<${Notice} kind="bad"><${Problem} error=${error} /><//>`
      : t('table.loading')}</div>`;
  }

  const rows = SETS.segment.filter((s) => data.segments?.[s])
    .map((s) => ({ segment: s, ...data.segments[s] }));
  const whole = rows.reduce((sum, r) => sum + (r[by] ?? 0), 0);
  const { totals, status } = data;
  const columns = [
    { id: 'segment', label: t('segments.part'), class: 'grow',
      cell: (r) => html`<i aria-hidden="true"
        class=${`spot ${COLOURS[r.segment]}`} />${tm('segment', r.segment)}
        ${r.segment === 'anonymous' && data.thread_stacks > 0 && html`
          <span class="sub muted">${tn('segments.stacks',
            data.thread_stacks)}</span>`}` },
    ...SETS.amount.map((a) => ({ id: a, label: tm('amount', a), num: true,
      down: true, value: (r) => r[a], cell: (r) => size(r[a]),
      title: tm('measure', a) })),
  ];

  if (rows.length === 0) {
    return html`<p class="empty">${t('value.unknown')}</p>`;
  }

  return html`<div class="segments">
    <label class="which">${t('segments.by')}
      <select value=${by} onChange=${(e) => setBy(e.target.value)}>
        ${SETS.amount.map((a) => html`<option key=${a} value=${a}>
          ${tm('amount', a)} – ${tm('measure', a)}</option>`)}
      </select></label>
    <${Meter} label=${tm('amount', by)} parts=${rows.map((r) => ({
      name: tm('segment', r.segment), class: COLOURS[r.segment],
      share: (share(r[by], whole) ?? 0) / 100, text: bytes(r[by]) }))} />
    <${Table} label=${t('segments.title')} columns=${columns} rows=${rows}
      keyOf=${(r) => r.segment} />
    <${Pairs} class="effect padded" of=${[
      ['RSS', size(totals?.rss)], ['PSS', size(totals?.pss)],
      ['USS', size(totals?.uss)], [tm('amount', 'swap'), size(totals?.swap)],
      [t('segments.both'), html`<b>${size(totals?.physical_plus_swap)}</b>`],
      [t('segments.peak'), size(kib(status?.VmHWM))],
      [t('segments.peak_virtual'), size(kib(status?.VmPeak))],
    ]} />
    <p class="foot">${t('segments.note')}</p>
  </div>`;
}


/** @param {any} n */
const kib = (n) => (typeof n === 'number' ? n * 1024 : n);
