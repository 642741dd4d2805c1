/*
 * A question before something is changed that is no operation of the log's
 * own: it says what will change, sends, and stays open where that failed.
 */

import { useState } from 'preact/hooks';

import { Reauth } from './action.js';
import { Dialog } from './dialog.js';
import { html } from './html.js';
import { Notice, Problem } from './parts.js';
import { ApiError, request } from '../api.js';
import { t } from '../i18n.js';


/**
 * @param {{ title: string, verb: string, danger?: boolean,
 *           send: () => Promise<any>, onClose: () => void,
 *           children?: any }} props
 */
export function Confirm({ title, verb, danger, send, onClose, children }) {
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const [busy, setBusy] = useState(false);
  const [password, setPassword] = useState(false);

  const go = async () => {
    setBusy(true);

    try {
      await send();
      onClose();
    } catch (e) {
      if (!(e instanceof ApiError)) {
        throw e;
      }

      setBusy(false);
      setPassword(e.code === 'reauth_required');
      setError(e);
    }
  };

  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    go();
  };

  /** @param {string} word */
  const reauth = async (word) => {
    await request('POST', 'session/reauth', { body: { password: word },
      quiet: true });
    setPassword(false);
    await go();
  };

  if (password) {
    return html`<${Reauth} title=${title} send=${reauth} onClose=${onClose} />`;
  }

  return html`<${Dialog} title=${title} busy=${busy} onClose=${onClose}
    kind=${error ? 'bad' : ''} buttons=${html`
      <button type="button" onClick=${onClose}>${t('dialog.cancel')}</button>
      <button type="submit" form="confirm" disabled=${busy}
        class=${danger ? 'danger' : 'primary'}>${verb}</button>`}>
    <form id="confirm" onSubmit=${submit}>
      ${children}
      <div role="alert">${error && html`<${Notice} kind="bad">
        <${Problem} error=${error} /><//>`}</div>
    </form>
  <//>`;
}
