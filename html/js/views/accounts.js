/* Accounts, for administrators: roles, services, new ones */

import { useState } from 'preact/hooks';

import { request } from '../api.js';
import { number, plain } from '../format.js';
import { SETS, t, tm } from '../i18n.js';
import { refresh, useFeed } from '../poll.js';
import { Confirm } from '../ui/confirm.js';
import { html } from '../ui/html.js';
import { Card, Notice, Pill, Problem, Text, Time } from '../ui/parts.js';
import { Table } from '../ui/table.js';

const SLOW = 10000;            /* ms */
const SHORTEST = 8;            /* characters of a password */


export function Accounts() {
  const { data, error } = useFeed('session/accounts', SLOW);
  const [act, setAct] = useState(/** @type {any} */ (null));
  const shut = () => setAct(null);
  /** @param {any} a @param {string} what */
  const button = (a, what) => html`<button type="button" class="small text"
    aria-label=${t(`accounts.${what}_of`, { name: plain(a.name) })}
    onClick=${() => setAct({ what, account: a })}>${t(`accounts.${what}`)}
    </button>`;

  const columns = [
    { id: 'name', label: t('login.user'), class: 'grow clip',
      cell: (a) => html`<${Text} value=${a.name} class="strong" />
        ${a.disabled && html` <${Pill} kind="bad">${t('accounts.off')}<//>`}
        <${Text} class="sub" value=${a.services?.length > 0
          ? a.services.join(', ') : t('accounts.all')} />` },
    { id: 'role', label: t('sessions.role'), cell: (a) => tm('role', a.role) },
    { id: 'sessions', label: t('accounts.sessions'), num: true, class: 'low',
      cell: (a) => number(a.sessions) },
    { id: 'tokens', label: t('accounts.tokens'), num: true, class: 'low',
      title: t('accounts.tokens_about'), cell: (a) => number(a.tokens) },
    { id: 'created', label: t('accounts.created'), class: 'low',
      cell: (a) => html`<${Time} value=${a.created} />` },
    { id: 'act', label: t('svc.actions'), class: 'actions',
      cell: (a) => html`${button(a, 'change')}${button(a, 'delete')}` },
  ];

  return html`<${Card} id="accounts" title=${t('accounts.title')}
    aside=${html`<button type="button" class="primary" onClick=${() => setAct(
      { what: 'add', account: null })}>${t('accounts.add')}</button>`}>
    ${error && html`<${Notice} kind="bad"><${Problem} error=${error} /><//>`}
    <${Table} label=${t('accounts.title')} columns=${columns}
      rows=${data ?? []} keyOf=${(a) => a.name} class="stack"
      empty=${data ? t('table.empty') : t('table.loading')} />
    ${act?.what === 'delete' && html`
      <${Delete} name=${act.account.name} onClose=${shut} />`}
    ${act && act.what !== 'delete' && html`
      <${Form} account=${act.account} onClose=${shut} />`}
  <//>`;
}


/** @param {string} name */
const place = (name) => `session/accounts/${encodeURIComponent(name)}`;


/** @param {{ name: string, onClose: () => void }} props */
function Delete({ name, onClose }) {
  const send = async () => {
    await request('DELETE', place(name));
    refresh('session/');
  };

  return html`<${Confirm} danger send=${send} onClose=${onClose}
    title=${t('accounts.delete_of', { name: plain(name) })}
    verb=${t('accounts.delete')}><p>${t('accounts.delete_what')}</p><//>`;
}


/**
 * A new account, or what may change of one.
 *
 * @param {{ account: any, onClose: () => void }} props
 */
function Form({ account, onClose }) {
  const services = useFeed('control/services', SLOW).data ?? [];
  const was = { name: '', role: 'viewer', password: '',
    services: (account?.services ?? []).join(', '), disabled: false };
  const [form, setForm] = useState({ ...was, ...(account && {
    name: account.name, role: account.role, disabled: account.disabled }) });
  /** @param {string} key */
  const on = (key) => (e) => setForm({ ...form, [key]: e.target.value });
  const wanted = form.services.split(/[\s,，]+/).filter(Boolean);

  const send = async () => {
    /** @type {Record<string, any>} */
    const body = { services: wanted, role: form.role };

    if (form.password) {
      body.password = form.password;
    }

    if (account) {
      await request('PATCH', place(account.name),
        { body: { ...body, disabled: form.disabled } });
    } else {
      await request('POST', 'session/accounts',
        { body: { ...body, name: form.name.trim() } });
    }

    refresh('session/');
  };

  return html`<${Confirm} send=${send} onClose=${onClose}
    title=${account ? t('accounts.change_of', { name: plain(account.name) })
      : t('accounts.add')}
    verb=${t(account ? 'act.set' : 'accounts.add')}>
    <div class="fields">
      ${!account && html`<label>${t('login.user')}
        <input name="name" required maxlength="64" value=${form.name}
          autocomplete="off" autocapitalize="none" spellcheck="false"
          onInput=${on('name')} /></label>`}
      <label>${t('sessions.role')}
        <select name="role" value=${form.role} onChange=${on('role')}>
          ${SETS.role.map((r) => html`<option key=${r} value=${r}>
            ${tm('role', r)}</option>`)}</select></label>
      <label>${t(account ? 'password.new' : 'login.password')}
        ${account && html` <small>${t('form.optional')}</small>`}
        <input name="password" type="password" required=${!account}
          minlength=${SHORTEST} maxlength="512" autocomplete="new-password"
          value=${form.password} onInput=${on('password')} /></label>
      <label>${t('accounts.services')}
        <input name="services" class="mono" value=${form.services}
          maxlength="2048" spellcheck="false" autocapitalize="none"
          placeholder=${services.map((s) => s.name).slice(0, 4).join(', ')}
          aria-describedby="services-note" onInput=${on('services')} />
      </label>
      <p id="services-note" class="muted">${t('accounts.services_note')}</p>
      ${account && html`<label class="check"><input type="checkbox"
        name="disabled" checked=${form.disabled} onChange=${(e) => setForm(
          { ...form, disabled: e.target.checked })} />
        ${t('accounts.disable')}</label>`}
    </div><//>`;
}
