/* The account: its sessions, its password; an admin sees those of all */

import { useRef, useState } from 'preact/hooks';

import { Accounts } from './accounts.js';
import { ApiError, request } from '../api.js';
import { plain } from '../format.js';
import { t, tm } from '../i18n.js';
import { refresh, useFeed } from '../poll.js';
import { html } from '../ui/html.js';
import { Card, Notice, Pill, Problem, Text, Time } from '../ui/parts.js';
import { Table } from '../ui/table.js';

const SLOW = 10000;            /* ms */
const SHORTEST = 8;            /* characters of a password */


/** @param {{ session: import('../store.js').Session }} props */
export function Account({ session }) {
  return html`
    ${session.role === 'admin' && html`<${Accounts} />`}
    <div class="columns">
      <${Sessions} session=${session} />
      <${Password} />
    </div>`;
}


/** @param {{ session: import('../store.js').Session }} props */
function Sessions({ session }) {
  const { data, error } = useFeed('session/list', SLOW);
  const [trouble, setTrouble] = useState(/** @type {ApiError | null} */ (null));

  /** @param {any} s */
  const end = async (s) => {
    try {
      await request('DELETE', `session/${encodeURIComponent(s.id)}`);
      setTrouble(null);
    } catch (e) {
      if (!(e instanceof ApiError)) {
        throw e;
      }

      setTrouble(e);
    }

    refresh('session/list');
  };

  const columns = [
    { id: 'user', label: t('login.user'), class: 'grow clip',
      cell: (s) => html`<${Text} value=${s.user} class="strong" />
        ${s.current && html` <${Pill} kind="ok">
          ${t('sessions.this')}<//>`}
        <${Text} class="sub" value=${s.agent ?? ''}
          title=${plain(s.agent ?? '')} />` },
    { id: 'role', label: t('sessions.role'),
      cell: (s) => tm('role', s.role ?? '') },
    { id: 'remote', label: t('log.remote'), class: 'mono',
      cell: (s) => html`<${Text} value=${s.remote} />` },
    { id: 'created', label: t('sessions.since'),
      cell: (s) => html`<${Time} value=${s.created} />` },
    { id: 'seen', label: t('sessions.seen'), class: 'low',
      cell: (s) => html`<${Time} value=${s.last_seen} />` },
    { id: 'end', label: t('svc.actions'), class: 'actions',
      cell: (s) => html`<button type="button" class="small text"
        aria-label=${t('sessions.end_of', { user: plain(s.user ?? ''),
          remote: plain(s.remote ?? '') })}
        onClick=${() => end(s)}>${t('sessions.end')}</button>` },
  ];

  return html`<${Card} id="sessions" title=${t(session.role === 'admin'
    ? 'sessions.all' : 'sessions.own')}>
    ${(error || trouble) && html`<${Notice} kind="bad" live="alert">
      <${Problem} error=${error ?? trouble} /><//>`}
    <${Table} label=${t('sessions.own')} columns=${columns}
      rows=${data ?? []} keyOf=${(s) => s.id} class="stack"
      empty=${data ? t('table.empty') : t('table.loading')} />
  <//>`;
}


function Password() {
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  const [done, setDone] = useState(false);

  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    setDone(false);

    const fields = new FormData(/** @type {any} */ (event.currentTarget));
    const old = fields.get('old'), fresh = String(fields.get('new'));

    if (fresh !== fields.get('again') || fresh.length < SHORTEST) {
      setError(t(fresh.length < SHORTEST ? 'password.short'
        : 'password.differ', { n: SHORTEST }));
      return;
    }

    try {
      await request('POST', 'session/password',
        { body: { old, new: fresh }, quiet: true });
      form.current?.reset();
      setError(null);
      setDone(true);
      refresh('session/list');
    } catch (e) {
      if (!(e instanceof ApiError)) {
        throw e;
      }

      setError(html`<${Problem} error=${e} />`);
    }
  };

  /** @param {string} name @param {string} label @param {string} kind */
  const field = (name, label, kind) => html`<label>${label}
    <input type="password" name=${name} required maxlength="512"
      autocomplete=${kind} /></label>`;

  return html`<${Card} id="password" title=${t('password.title')}>
    <form class="fields padded" ref=${form} onSubmit=${submit}
      aria-labelledby="password">
      ${field('old', t('password.old'), 'current-password')}
      ${field('new', t('password.new'), 'new-password')}
      ${field('again', t('password.again'), 'new-password')}
      <div role="alert">
        ${error && html`<${Notice} kind="bad">${error}<//>`}</div>
      <div role="status">${done && html`<${Notice} kind="ok">
        ${t('password.done')}<//>`}</div>
      <button type="submit" class="primary">${t('password.change')}</button>
      <p class="muted">${t('password.note')}</p>
    </form>
  <//>`;
}
