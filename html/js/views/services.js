/* Services: what listens, what may be controlled, and the form that does it */

import { useState } from 'preact/hooks';

import { query } from '../api.js';
import { number, plain } from '../format.js';
import { t, tm, tn } from '../i18n.js';
import { useFeed } from '../poll.js';
import { drafts, href, setParams } from '../store.js';
import { ActionDialog } from '../ui/action.js';
import { html } from '../ui/html.js';
import { Icon } from '../ui/icons.js';
import { Card, Notice, Output, Problem, State, Text, useLagging }
  from '../ui/parts.js';
import { Table } from '../ui/table.js';

/** @typedef {import('../ui/action.js').Action} Action */

const FORM_ACTIONS = ['start', 'stop', 'restart'];
const ROW_ACTIONS = [...FORM_ACTIONS, 'reload', 'enable', 'disable'];
const STATES = 5000;           /* ms: each look runs the managers */
const NAME = /^[A-Za-z0-9@._:][A-Za-z0-9@._:-]{0,127}$/;


/**
 * @param {{ params: Record<string, string>, policy: any,
 *           session: import('../store.js').Session }} props
 */
export function Services({ params, policy, session }) {
  const [action, setAction] = useState(/** @type {Action | null} */ (null));
  const control = session.role !== 'viewer';
  const managed = useFeed(control ? 'control/services' : null, STATES);
  /* the servers that keep journals tell of priorities, too */
  const journals = Array.isArray(policy?.priorities);

  return html`
    ${control && html`<div class="columns even">
      <${Managed} feed=${managed} onAction=${setAction} params=${params}
        journals=${journals} />
      <${Control} services=${managed.data ?? []} onAction=${setAction}
        commands=${(policy?.commands ?? []).length > 0} />
    </div>`}
    <${Sockets} params=${params} />
    ${action && html`<${ActionDialog} action=${action}
      onClose=${() => setAction(null)} />`}`;
}


/**
 * @param {string} name @param {string} verb
 * @param {any} [service] as far as it is known
 * @returns {Action}
 */
function serviceAction(name, verb, service) {
  const target = plain(name);
  /** @type {[string, any][] | null} */
  const facts = service ? [
    [t('svc.unit'), `${plain(service.manager)}: ${plain(service.unit)}`],
    [t('svc.state'), html`<${State} state=${service.state}
      sub=${service.sub_state} />`],
    [t('svc.pid'), service.main_pid ? plain(service.main_pid) : '–'],
  ] : null;

  return {
    title: t('confirm.title', { action: tm('action', verb), name: target }),
    what: html`<p>${t(`confirm.${verb}`, { name: target })}</p>
      ${facts ? html`<dl class="effect">${facts.map(([term, what]) => html`
          <div key=${term}><dt>${term}</dt><dd>${what}</dd></div>`)}</dl>`
        : html`<p class="detail">${t('confirm.not_listed')}</p>`}`,
    verb: tm('action', verb),
    doing: t(`doing.${verb}`, { name: target }),
    danger: verb === 'stop',
    path: 'control/services',
    body: { name, action: verb },
  };
}


/* what the policy lets this user control */

/**
 * @param {{ feed: any, onAction: (a: Action) => void, journals: boolean,
 *           params: Record<string, string> }} props
 */
function Managed({ feed: { data, error }, onAction, journals, params }) {
  const columns = [
    { id: 'name', label: t('svc.name'), class: 'grow clip',
      cell: (s) => html`
        <${Text} value=${s.name} class="strong" />
        <${Text} class="sub"
          value=${s.description || `${s.manager} · ${s.unit}`}
          title=${`${plain(s.manager)}: ${plain(s.unit)}`} />` },
    { id: 'state', label: t('svc.state'),
      cell: (s) => html`
        <${State} state=${s.state} sub=${s.sub_state} />` },
    { id: 'pid', label: t('svc.pid'), num: true, class: 'mono pid',
      cell: (s) => (s.main_pid ? s.main_pid : '–') },
    { id: 'actions', label: t('svc.actions'), class: 'actions',
      cell: (s) => html`
        <${Buttons} service=${s} onAction=${onAction} />
        ${journals && html`
          <${JournalButton} name=${s.name} open=${params.journal} />`}` },
  ];

  return html`<${Card} id="managed" title=${t('svc.managed')}>
    ${error && html`<${Notice} kind="bad"><${Problem} error=${error} /><//>`}
    <${Table} label=${t('svc.managed')} columns=${columns} rows=${data ?? []}
      class="stack managed"
      keyOf=${(s) => s.name}
      detail=${(s) => (journals && params.journal === s.name
        && html`<${Journal} name=${s.name} />`)}
      empty=${data ? t('svc.none_managed') : t('table.loading')} />
  <//>`;
}


/** @param {{ name: string, open: string | undefined }} props */
function JournalButton({ name, open }) {
  const label = t('journal.of', { name: plain(name) });
  const shown = open === name;

  return html`<button type="button" class="small" aria-label=${label}
    title=${label} aria-expanded=${shown ? 'true' : 'false'}
    onClick=${() => setParams({ journal: shown ? '' : name })}>
    <${Icon} name="journal" /></button>`;
}


/** @param {{ name: string }} props */
function Journal({ name }) {
  const { data, error } = useFeed(
    `control/services/${encodeURIComponent(name)}/journal?lines=100`, STATES);

  return html`<div class="detail">${error
    ? html`<${Notice} kind="bad"><${Problem} error=${error} /><//>`
    : html`<${Output} label=${t('journal.of', { name: plain(name) })}
      value=${data ? (data.lines ?? []).join('\n') || t('journal.empty')
        : t('table.loading')} />`}</div>`;
}


/** the action that would change nothing @type {Record<string, string>} */
const IDLE = { active: 'start', inactive: 'stop' };

/** @param {{ service: any, onAction: (a: Action) => void }} props */
function Buttons({ service, onAction }) {
  const verbs = ROW_ACTIONS.filter((v) => service.actions?.includes(v));

  return verbs.map((verb) => {
    const label = t('confirm.title',
      { action: tm('action', verb), name: plain(service.name) });

    return html`<button type="button" key=${verb} class="small"
      disabled=${verb === IDLE[service.state]
        || (verb === 'enable' && service.enabled === true)
        || (verb === 'disable' && service.enabled === false)}
      aria-label=${label} title=${label}
      onClick=${() => onAction(serviceAction(service.name, verb, service))}>
      <${Icon} name=${verb} /></button>`;
  });
}


/* the form */

const EMPTY = { name: '', action: '', command: '', measure: false };

/**
 * @param {any} draft @param {boolean} commands
 * @returns {string} the key of a sentence, or nothing
 */
function mistake(draft, commands) {
  const name = draft.name.trim(), command = draft.command.trim();

  if (commands && command) {
    return name ? 'form.both' : '';
  }

  if (!name) {
    return commands ? 'form.neither' : 'form.no_name';
  }

  if (!NAME.test(name)) {
    return 'form.bad_name';
  }

  return draft.action ? '' : 'form.no_action';
}


/**
 * @param {{ services: any[], commands: boolean,
 *           onAction: (a: Action) => void }} props
 */
function Control({ services, commands, onAction }) {
  const [draft, setDraft] = useState(drafts.get('control') ?? EMPTY);
  const [error, setError] = useState('');

  /** @param {object} patch */
  const change = (patch) => {
    const next = { ...draft, ...patch };

    drafts.set('control', next);
    setDraft(next);
    setError('');
  };

  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();

    const found = mistake(draft, commands);
    const name = draft.name.trim(), command = draft.command.trim();

    setError(found);

    if (found) {
      return;
    }

    onAction(command ? commandAction(command, draft.measure)
      : serviceAction(name, draft.action,
        services.find((s) => s.name === name)));
  };

  const wrong = error !== '' && error !== 'form.no_action';

  return html`<${Card} id="control" title=${t('form.title')}>
    <form class="control" onSubmit=${submit} novalidate
      aria-labelledby="control">
      <label>${t('form.name')} <small>${t('form.full_name')}</small>
        <input list="service-names" name="name" value=${draft.name}
          autocomplete="off" autocapitalize="none" spellcheck="false"
          maxlength="128" placeholder=${t('form.example')}
          aria-describedby="form-error"
          aria-invalid=${wrong ? 'true' : undefined}
          onInput=${(e) => change({ name: e.target.value })} />
        <datalist id="service-names">${services.map((s) => html`
          <option key=${s.name} value=${s.name} />`)}</datalist>
      </label>
      <fieldset><legend>${t('form.action')}</legend>
        <div class="radios">${FORM_ACTIONS.map((verb) => html`
          <label key=${verb}><input type="radio" name="action" value=${verb}
            checked=${draft.action === verb} aria-describedby="form-error"
            onChange=${() => change({ action: verb })} />
            <span>${tm('action', verb)}</span></label>`)}</div>
      </fieldset>
      ${commands && html`
        <${Command} draft=${draft} change=${change} />`}
      <p id="form-error" class="error" role="alert">${error && t(error)}</p>
      <button type="submit" class="primary">${t('form.submit')}</button>
    </form>
  <//>`;
}


/** @param {string} command @param {boolean} measure @returns {Action} */
export const commandAction = (command, measure) => ({
  title: t('command.title'),
  what: html`<p>${t('command.what')}</p>
    <pre class="output">${plain(command)}</pre>`,
  verb: t('command.run'),
  doing: t('command.doing'),
  path: 'control/commands',
  body: measure ? { command, measure } : { command },
});


/** @param {any} c of the list: its example, or the words that are typed */
export const typed = (c) => c.example || (Array.isArray(c.command)
  ? c.command.join(' ') : c.command) || c.id;


/** @param {{ draft: any, change: (patch: object) => void }} props */
function Command({ draft, change }) {
  const { data } = useFeed('control/commands', 60000);

  return html`<label>${t('form.command')} <small>${t('form.optional')}</small>
    <input list="commands" name="command" value=${draft.command}
      autocomplete="off" autocapitalize="none" spellcheck="false"
      maxlength="1024" class="mono" aria-describedby="form-error"
      onInput=${(e) => change({ command: e.target.value })} />
    <datalist id="commands">${(data ?? []).map((c) => html`
      <option key=${c.id} value=${typed(c)} />`)}</datalist>
  </label>
  ${draft.command.trim() !== '' && html`<label class="check inline">
    <input type="checkbox" name="measure" checked=${draft.measure}
      onChange=${(e) => change({ measure: e.target.checked })} />
    ${t('form.measure')}</label>`}`;
}


/* TCP and UDP services */

/** @param {any} s */
const socketKey = (s) => `${s.proto} ${s.local} ${s.foreign} ${s.inode ?? ''}`;

/** @param {string} address its port, for sorting */
const port = (address) => Number(/:(\d+)$/.exec(address ?? '')?.[1] ?? -1);


/** @param {{ socket: any }} props */
function Program({ socket: s }) {
  const more = (s.pids ?? []).length - 1;
  const all = (s.pids ?? []).map((p) => (
    `${p.pid}/${plain(p.name)}`)).join(', ');

  const first = s.pids?.[0]?.pid;
  const text = html`<${Text} value=${s.pid_program} title=${all} />`;

  return html`${first ? html`<a href=${href('processes',
      { pid: String(first) })}>${text}</a>` : text}
    ${more > 0 && html` <span class="more" tabindex="0" title=${all}
      aria-label=${all}>+${more}</span>`}`;
}


/** @param {boolean} all then the foreign address tells something */
function socketColumns(all) {
  return [
    { id: 'proto', label: t('sock.proto'), class: 'mono',
      value: (s) => s.proto,
      cell: (s) => html`<${Text} value=${s.proto} />` },
    { id: 'recv_q', label: 'Recv-Q', num: true, class: 'mono low', down: true,
      value: (s) => s.recv_q,
      cell: (s) => number(s.recv_q) },
    { id: 'send_q', label: 'Send-Q', num: true, class: 'mono low', down: true,
      value: (s) => s.send_q,
      cell: (s) => number(s.send_q) },
    { id: 'local', label: t('sock.local'), class: 'local mono strong',
      value: (s) => port(s.local),
      cell: (s) => html`<${Text} value=${s.local} />` },
    { id: 'foreign', label: t('sock.foreign'),
      class: all ? 'mono' : 'mono low',
      value: (s) => s.foreign,
      cell: (s) => html`<${Text} value=${s.foreign} />` },
    { id: 'state', label: t('sock.state'),
      value: (s) => s.state,
      cell: (s) => html`<${Text} value=${s.state}
        class=${`sock ${String(s.state).toLowerCase()}`} />` },
    { id: 'program', label: t('sock.program'), class: 'mono grow',
      value: (s) => s.pids?.[0]?.name ?? s.pid_program,
      cell: (s) => html`<${Program} socket=${s} />` },
  ];
}


/** @param {{ params: Record<string, string> }} props */
function Sockets({ params }) {
  const name = useLagging(params.q ?? '', 250).trim();
  const path = `system/services${query({ name,
    all: params.all ? 'true' : undefined })}`;
  const { data, error, partial, stale, path: of } = useFeed(path);
  const rows = (Array.isArray(data) ? data : data?.services) ?? [];
  const processes = Array.isArray(data) ? [] : data?.processes ?? [];

  const aside = html`<form class="filters" role="search"
    onSubmit=${(e) => e.preventDefault()}>
    <label class="search"><span class="sr">${t('sock.search')}</span>
      <${Icon} name="search" />
      <input type="search" value=${params.q ?? ''} maxlength="128"
        placeholder=${t('sock.search')} spellcheck="false" autocomplete="off"
        onInput=${(e) => setParams({ q: e.target.value })} />
    </label>
    <label class="check"><input type="checkbox" checked=${Boolean(params.all)}
      onChange=${(e) => setParams(
        { all: e.target.checked ? '1' : '' })} />${t('sock.all')}</label>
    <span class="aside">
      ${data && tn('sock.count', rows.length)}</span>
  </form>`;

  return html`<${Card} id="sockets" title=${t('sock.title')} aside=${aside}
    class=${stale ? 'stale' : ''}>
    ${error && html`<${Notice} kind="bad"><${Problem} error=${error} /><//>`}
    <${Table} label=${t('sock.title')} class="sockets" rows=${rows}
      columns=${socketColumns(Boolean(params.all))}
      keyOf=${socketKey} question=${of} sort=${params.sort ?? 'local'}
      onSort=${(s) => setParams({ sort: s })}
      empty=${data ? t('table.empty') : t('table.loading')} />
    ${partial && html`<p class="foot">
      ${t('sock.partial')}</p>`}
    ${name && processes.length > 0 && html`
      <${Processes} rows=${processes} question=${of} />`}
  <//>`;
}


/* hits of the search that hold no socket */

/** @param {{ rows: any[], question: string }} props */
function Processes({ rows, question }) {
  const columns = [
    { id: 'pid', label: t('proc.pid'), num: true, class: 'mono',
      cell: (p) => p.pid },
    { id: 'name', label: t('proc.name'),
      cell: (p) => html`<${Text} value=${p.name} class="strong" />` },
    { id: 'cmdline', label: t('proc.cmdline'), class: 'mono grow clip',
      cell: (p) => html`<${Text} value=${
        Array.isArray(p.cmdline) ? p.cmdline.join(' ') : p.cmdline} />` },
    { id: 'unit', label: t('svc.unit'), class: 'low',
      cell: (p) => html`<${Text} value=${p.unit} />` },
  ];

  return html`<h3>${t('sock.processes')}</h3>
    <${Table} label=${t('sock.processes')} columns=${columns} rows=${rows}
      keyOf=${(p) => `${p.pid} ${p.name}`}
      question=${question} />`;
}
