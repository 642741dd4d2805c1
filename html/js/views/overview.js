/* The host at a glance: header lines, recent minutes, largest processes */

import { columnsOf } from '../fields.js';
import { bytes, clock, duration, kibibytes, number, plain } from '../format.js';
import { history, share } from '../history.js';
import { t, tm } from '../i18n.js';
import { useFeed } from '../poll.js';
import { href, setParams } from '../store.js';
import { Chart } from '../ui/chart.js';
import { html } from '../ui/html.js';
import { Meter } from '../ui/meter.js';
import { Card, Notice, Problem, Text, Time } from '../ui/parts.js';
import { Table } from '../ui/table.js';
import { HostCards } from './host.js';


/**
 * @param {{ params: Record<string, string>, info: any,
 *           summary: { data: any, error: any, at: number } }} props
 */
export function Overview({ params, info, summary }) {
  return html`
    <${Lines} summary=${summary} />
    <${Charts} />
    <div class="columns">
      <${Largest} sort=${params.sort ?? '-memory_percent'} />
      <${Facts} info=${info} />
    </div>
    <${HostCards} />`;
}


/* the header lines */

/** @param {{ text: string | undefined }} props numbers stand out, no more */
function Figures({ text }) {
  if (!text) {
    return html`<span class="na">–</span>`;
  }

  return plain(text).split(/(\d+(?:\.\d+)?)/).map((part, i) => (
    i % 2 ? html`<b>${part}</b>` : part));
}


/** @param {any} cpu */
const cpuParts = (cpu) => [
  ['us', 'c1'], ['ni', 'c5'], ['sy', 'c2'], ['wa', 'c3'], ['hi', 'c4'],
  ['si', 'c4'], ['st', 'c6'],
].map(([key, cls]) => ({ name: t(`cpu.${key}`), class: cls,
  share: (cpu?.[key] ?? 0) / 100, text: `${number(cpu?.[key], 1)} %` }));


/** @param {any} memory */
const memoryParts = (memory) => [
  ['used', 'c1'], ['buff_cache', 'c5'],
].map(([key, cls]) => ({ name: t(`mem.${key}`), class: cls,
  share: (share(memory?.[key], memory?.total) ?? 0) / 100,
  text: kibibytes(memory?.[key]) }));


/** @param {any} swap */
const swapParts = (swap) => [{ name: t('mem.used'), class: 'c3',
  share: (share(swap?.used, swap?.total) ?? 0) / 100,
  text: kibibytes(swap?.used) }];


/** @param {any} tasks */
const taskParts = (tasks) => [
  ['running', 'c2'], ['sleeping', 'c5'], ['stopped', 'c3'], ['zombie', 'c4'],
].map(([key, cls]) => ({ name: t(`task.${key}`), class: cls,
  share: (share(tasks?.[key], tasks?.total) ?? 0) / 100,
  text: number(tasks?.[key]) }));


/** @param {{ summary: { data: any, error: any } }} props */
function Lines({ summary: { data, error } }) {
  const lines = [
    { key: 'tasks', parts: taskParts(data?.tasks) },
    { key: 'cpu', parts: cpuParts(data?.cpu) },
    { key: 'memory', parts: memoryParts(data?.memory) },
    { key: 'swap', parts: swapParts(data?.swap) },
  ];
  const aside = data && html`<span class="aside">
    ${t('overview.up', { time: duration(data.uptime) })} ·
    ${' '}${t('overview.load')} ${(data.load ?? []).map(
      (n) => number(n, 2)).join(' ')} ·
    ${' '}<${Time} value=${data.time} /></span>`;

  return html`<${Card} id="lines" title=${t('overview.lines')} aside=${aside}
    class="lines">
    ${error && html`<${Notice} kind="bad"><${Problem} error=${error} /><//>`}
    <dl>
      ${lines.map(({ key, parts }) => html`<div key=${key} data-line=${key}>
        <dt>${t(`line.${key}`)}</dt>
        <dd><span class="figures">
            <${Figures} text=${data?.text?.[key]} /></span>
          <${Meter} label=${t(`line.${key}`)} parts=${parts} /></dd>
      </div>`)}
    </dl>
  <//>`;
}


/* charts */

function Charts() {
  const { version, time, cpu, memory, swap, load, network } = history();
  const percent = (n) => `${number(n, 1)} %`;
  const rate = (n) => (typeof n === 'number' ? `${bytes(n)}/s` : '–');
  const at = /** @type {any} */ (time);

  return html`<section class="card charts" aria-label=${t('overview.charts')}>
    <${Chart} label=${t('chart.cpu')} version=${version} data=${[at, cpu]}
      max=${100} tick=${(n) => `${n} %`}
      series=${[{ name: t('chart.busy'), colour: '--c1', format: percent }]} />
    <${Chart} label=${t('chart.memory')} version=${version}
      data=${[at, memory, swap]} max=${100}
      tick=${(n) => `${n} %`}
      series=${[{ name: t('chart.ram'), colour: '--c1', format: percent },
        { name: t('chart.swap'), colour: '--c3', format: percent }]} />
    <${Chart} label=${t('chart.load')} version=${version} data=${[at, load]}
      tick=${(n) => number(n, n < 10 ? 1 : 0)}
      series=${[{ name: t('chart.load1'), colour: '--c2',
        format: (n) => number(n, 2) }]} />
    ${network.time.length > 0 && html`<${Chart} label=${t('net.title')}
      version=${network.version} tick=${bytes} wide
      data=${[network.time, network.recv, network.sent]}
      series=${[{ name: t('net.recv'), colour: '--c1', format: rate },
        { name: t('net.sent'), colour: '--c6', format: rate }]} />`}
  </section>`;
}


/* the ten largest processes */

/** @param {any} p */
const keyOf = (p) => `${p.pid} ${p.username} ${p.name}`;

/* the seven fields of the list, two of them first to go on small screens */
function columns() {
  const name = (p) => html`<a href=${href('processes',
    { pid: String(p.pid) })}><${Text} value=${p.name} class="strong" /></a>`;

  return columnsOf(['pid', 'name', 'username', 'cpu_percent', 'memory_percent',
    'num_openfiles', 'num_threads'], name).map((c) => ({ ...c,
    class: c.id === 'name' ? 'grow'
      : c.id.startsWith('num_') ? 'low' : c.class }));
}


/** @param {{ sort: string }} props */
function Largest({ sort }) {
  const { data, error } = useFeed('system/process?num=10');

  return html`<${Card} id="largest" title=${t('overview.largest')}>
    ${error && html`<${Notice} kind="bad"><${Problem} error=${error} /><//>`}
    <${Table} label=${t('overview.largest')} columns=${columns()}
      rows=${data ?? []} keyOf=${keyOf} sort=${sort}
      onSort=${(s) => setParams({ sort: s })}
      empty=${data ? t('table.empty') : t('table.loading')} />
  <//>`;
}


/* host facts */

/** @param {string} key @param {any} value what cmdret holds
 * @returns {string} the same for people */
function factText(key, value) {
  if (typeof value === 'number') {
    switch (key) {
    case 'uptime':
      return duration(value);
    case 'boot_time':
      return clock(new Date(value * 1000), true);
    case 'memory_total':
    case 'swap_total':
      return bytes(value);
    default:
      return String(value);
    }
  }

  if (Array.isArray(value)) {
    return value.length === 0 ? t('value.none')
      : value.map((v) => factText('', v)).join(', ');
  }

  if (value && typeof value === 'object') {
    return Object.entries(value).map(([k, v]) => `${k} ${factText(k, v)}`)
      .join(', ');
  }

  return value === '' ? '–' : String(value);
}


/** @param {{ name: string, fact: any }} props */
function Fact({ name, fact }) {
  /* not obtained: the substitute in the value's place, the reason on hover */
  if (!fact?.is_exec) {
    return html`<span class="na" tabindex="0"
      title=${plain(fact?.cmdret ?? '')}>
      ${plain(fact?.retopt ?? '–')}</span>`;
  }

  return html`<${Text} value=${factText(name, fact.cmdret)} />`;
}


/** @param {{ info: any }} props */
function Facts({ info }) {
  return html`<${Card} id="facts" title=${t('overview.facts')} class="facts">
    <dl>${Object.entries(info ?? {}).map(([key, fact]) => html`
      <div key=${key} data-fact=${key}><dt>${plain(tm('fact', key))}</dt>
        <dd><${Fact} name=${key} fact=${fact} /></dd></div>`)}
    </dl>
  <//>`;
}
