/* What the user must know wherever he is: server away, helper not whole */

import { useEffect, useState } from 'preact/hooks';

import { html } from './html.js';
import { Notice } from './parts.js';
import { plain } from '../format.js';
import { t } from '../i18n.js';
import { probe } from '../session.js';
import { app, useStore } from '../store.js';


/** @param {{ helper?: any }} props */
export function Banners({ helper }) {
  const away = useStore(app, (s) => s.away);

  return html`<div class="banners">
    <div role="status">${away && html`<${Away} away=${away} />`}</div>
    <div role="status">${helper && html`<${Helper} helper=${helper} />`}</div>
  </div>`;
}


/** @param {{ away: { since: number, retryAt: number } }} props */
function Away({ away }) {
  const [now, setNow] = useState(Date.now());
  const wait = Math.max(0, Math.ceil((away.retryAt - now) / 1000));

  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);

    return () => clearInterval(timer);
  }, []);

  const again = html`<button type="button" onClick=${probe}>
    ${t('away.now')}</button>`;

  return html`<${Notice} kind="bad" action=${again}>
    ${t('away.sentence')} <span aria-hidden="true">
      ${wait > 0 ? t('away.retry', { n: wait }) : t('away.asking')}</span>
  <//>`;
}


/** @param {{ helper: any }} props */
function Helper({ helper }) {
  const reason = helper.reason && html` <span class="detail">
    ${plain(helper.reason)}</span>`;

  if (!helper.available) {
    return html`<${Notice} kind="bad">
      ${t('helper.away')}${reason}<//>`;
  }

  if (helper.unprivileged) {
    return html`<${Notice} kind="warn">
      ${t('helper.unprivileged')}${reason}<//>`;
  }

  if (!helper.setuid) {
    return html`<${Notice} kind="bad">
      ${t('helper.not_setuid')}${reason}<//>`;
  }

  return null;
}
