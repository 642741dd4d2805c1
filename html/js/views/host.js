/* The host's other parts; a card stands only where the server knows them */

import { bytes, duration, number, plain } from '../format.js';
import { t } from '../i18n.js';
import { useFeed } from '../poll.js';
import { html } from '../ui/html.js';
import { Meter } from '../ui/meter.js';
import { Card, Pill, State, Text, Time } from '../ui/parts.js';
import { Table } from '../ui/table.js';

const SLOW = 10000;            /* ms */
const SELDOM = 60000;
const FULL = 90;               /* percent of a disk, of a limit */


export function HostCards() {
  return html`<div class="cards">
    <${Units} /><${Disks} /><${Network} /><${Sensors} /><${Users} />
  </div>
  <${Schedule} />`;
}


function Units() {
  const { data } = useFeed('system/units', SLOW);

  if (!Array.isArray(data)) {
    return null;
  }

  const rows = data.filter((u) => u.active_state === 'failed'
    || u.load_state === 'error' || u.load_state === 'bad-setting');
  const columns = [
    { id: 'name', label: t('svc.unit'), class: 'grow clip',
      cell: (u) => html`<${Text} value=${u.name} class="strong" />
        <${Text} class="sub" value=${u.description ?? ''}
          title=${plain(u.description ?? '')} />` },
    { id: 'state', label: t('svc.state'),
      cell: (u) => html`<${State} state=${u.active_state}
        sub=${u.load_state === 'loaded' ? u.sub_state : u.load_state} />` },
  ];

  return html`<${Card} id="units" title=${t('units.title')}
    class=${rows.length > 0 ? 'alarm' : ''}
    aside=${html`<span class="aside">${t('units.of',
      { n: number(rows.length), all: number(data.length) })}</span>`}>
    <${Table} label=${t('units.title')} columns=${columns} rows=${rows}
      keyOf=${(u) => u.name} empty=${t('units.none')} /><//>`;
}


function Disks() {
  const { data } = useFeed('system/disk', SLOW);

  if (!data?.partitions) {
    return null;
  }

  const rows = data.partitions.map(
    (p) => ({ ...p, ...data.usage?.[p.mountpoint] }));
  const columns = [
    { id: 'mountpoint', label: t('disk.mountpoint'), class: 'grow clip',
      cell: (d) => html`<${Text} value=${d.mountpoint} class="strong" />
        <${Text} class="sub" value=${`${d.device} · ${d.fstype}`}
          title=${plain(d.opts ?? '')} />` },
    { id: 'used', label: t('disk.used'), class: 'meter-cell',
      cell: (d) => html`${bytes(d.used)} <span class="muted">/ ${
        bytes(d.total)}</span>
        <${Meter} label=${plain(d.mountpoint)} parts=${[{ name: t('disk.used'),
          share: (d.percent ?? 0) / 100, text: `${number(d.percent, 1)} %`,
          class: d.percent >= FULL ? 'c4' : 'c1' }]} />` },
    { id: 'percent', label: '%', num: true,
      cell: (d) => number(d.percent, 1) },
  ];

  return html`<${Card} id="disks" title=${t('disk.title')}>
    <${Table} label=${t('disk.title')} columns=${columns} rows=${rows}
      keyOf=${(d) => d.mountpoint} empty=${t('table.empty')} /><//>`;
}


/** @type {{ at: number, io: any, rates: any, version: number }} */
let last = { at: 0, io: null, rates: {}, version: -1 };

/** @param {any} io @param {number} at ms @param {number} version */
function ratesOf(io, at, version) {
  const seconds = (at - last.at) / 1000;

  if (!io || version === last.version || seconds <= 0) {
    return last.rates;
  }

  const rates = Object.fromEntries(Object.entries(io).map(([nic, now]) => {
    const then = last.io?.[nic];
    const rate = (key) => (then
      ? Math.max(0, (now[key] - then[key]) / seconds) : null);

    return [nic, { sent: rate('bytes_sent'), recv: rate('bytes_recv') }];
  }));

  last = { at, io, rates, version };

  return rates;
}


function Network() {
  const { data, at, version } = useFeed('system/network/io?pernic=true');
  const stats = useFeed('system/network/stats', SLOW).data;
  const addrs = useFeed('system/network/addrs', SELDOM).data;

  if (!data) {
    return null;
  }

  const rates = ratesOf(data, at, version);
  const rate = (n) => (typeof n === 'number' ? `${bytes(n)}/s` : '–');
  const rows = Object.entries(data).map(([nic, io]) => ({ nic, ...io,
    ...rates[nic], up: stats?.[nic]?.isup, addrs: (addrs?.[nic] ?? [])
      .filter((a) => a.family === 2 || a.family === 10)
      .map((a) => plain(a.address)) }));
  const columns = [
    { id: 'nic', label: t('net.nic'), class: 'grow clip',
      cell: (n) => html`<${Text} value=${n.nic} class="strong" />
        ${n.up === false && html` <${Pill} kind="off">${t('net.down')}<//>`}
        <${Text} class="sub" value=${n.addrs.join(', ')}
          title=${n.addrs.join(', ')} />` },
    { id: 'recv', label: t('net.recv'), num: true,
      cell: (n) => html`${rate(n.recv)} <span class="sub">${
        bytes(n.bytes_recv)}</span>` },
    { id: 'sent', label: t('net.sent'), num: true,
      cell: (n) => html`${rate(n.sent)} <span class="sub">${
        bytes(n.bytes_sent)}</span>` },
    { id: 'errors', label: t('net.errors'), num: true, class: 'low',
      title: t('net.errors_about'),
      cell: (n) => number(n.errin + n.errout + n.dropin + n.dropout) },
  ];

  return html`<${Card} id="network" title=${t('net.title')}>
    <${Table} label=${t('net.title')} columns=${columns} rows=${rows}
      keyOf=${(n) => n.nic} empty=${t('table.empty')} /><//>`;
}


function Sensors() {
  const { data } = useFeed('system/sensors', SLOW);
  /** @param {any} groups @param {string} unit */
  const flat = (groups, unit) => Object.entries(groups ?? {}).flatMap(
    ([chip, list]) => list.map((s, i) => ({ ...s, unit,
      key: `${chip} ${s.label} ${i}`, chip })));
  const rows = [...flat(data?.temperatures, '°C'), ...flat(data?.fans, 'rpm')];
  const battery = data?.battery;

  if (rows.length === 0 && !battery) {
    return null;
  }

  const columns = [
    { id: 'chip', label: t('sensor.name'), class: 'grow clip',
      cell: (s) => html`<${Text} value=${s.label || s.chip} class="strong" />
        <${Text} class="sub" value=${s.chip} />` },
    { id: 'current', label: t('sensor.now'), num: true,
      cell: (s) => html`<span class=${s.critical && s.current >= s.critical
        ? 'error' : ''}>${number(s.current)} ${s.unit}</span>` },
    { id: 'high', label: t('sensor.high'), num: true, class: 'low',
      cell: (s) => number(s.high) },
    { id: 'critical', label: t('sensor.critical'), num: true, class: 'low',
      cell: (s) => number(s.critical) },
  ];

  return html`<${Card} id="sensors" title=${t('sensor.title')}
    aside=${battery && html`<span class="aside">${t('sensor.battery',
      { n: number(battery.percent) })}${typeof battery.secsleft === 'number'
      && battery.secsleft > 0 && ` · ${duration(battery.secsleft)}`}</span>`}>
    <${Table} label=${t('sensor.title')} columns=${columns} rows=${rows}
      keyOf=${(s) => s.key} empty=${t('table.empty')} /><//>`;
}


function Users() {
  const { data } = useFeed('system/users', SLOW);

  if (!Array.isArray(data)) {
    return null;
  }

  const columns = [
    { id: 'name', label: t('proc.user'), class: 'grow clip',
      cell: (u) => html`<${Text} value=${u.name} class="strong" />
        ${u.host && html`<${Text} class="sub" value=${u.host}
          title=${plain(u.host)} />`}` },
    { id: 'terminal', label: t('users.terminal'), class: 'mono',
      cell: (u) => html`<${Text} value=${u.terminal} />` },
    { id: 'started', label: t('sessions.since'),
      cell: (u) => html`<${Time} value=${typeof u.started === 'number'
        ? u.started * 1000 : null} />` },
  ];

  return html`<${Card} id="users" title=${t('users.title')}>
    <${Table} label=${t('users.title')} columns=${columns} rows=${data}
      keyOf=${(u) => `${u.pid} ${u.terminal} ${u.started}`}
      empty=${t('users.none')} /><//>`;
}


function Schedule() {
  const { data, partial } = useFeed('system/schedule', SELDOM);

  if (!Array.isArray(data)) {
    return null;
  }

  const columns = [
    { id: 'next', label: t('schedule.next'),
      cell: (j) => html`<${Time} value=${j.next} />` },
    { id: 'schedule', label: t('schedule.when'), class: 'mono',
      cell: (j) => html`<${Text} value=${j.schedule?.replace(/\s+/g, ' ')} />` },
    { id: 'command', label: t('schedule.command'), class: 'mono grow clip',
      cell: (j) => html`<${Text} value=${j.command}
        title=${plain(j.command ?? '')} />` },
    { id: 'user', label: t('proc.user'),
      cell: (j) => html`<${Text} value=${j.user} />` },
    { id: 'source', label: t('schedule.source'), class: 'low mono',
      cell: (j) => html`<${Text} value=${j.source} />
        ${j.enabled === false && html` <${Pill} kind="off">
          ${t('schedule.off')}<//>`}` },
    { id: 'last', label: t('schedule.last'), class: 'low',
      cell: (j) => html`<${Time} value=${j.last} />` },
  ];

  return html`<${Card} id="schedule" title=${t('schedule.title')}>
    <${Table} label=${t('schedule.title')} columns=${columns} rows=${data}
      class="stack schedule"
      keyOf=${(j) => `${j.source} ${j.user} ${j.schedule} ${j.command}`}
      empty=${t('table.empty')} />
    ${partial && html`<p class="foot">${t('schedule.partial')}</p>`}<//>`;
}
