/*
 * Single keys: `?` shows them.  They are dead while something is typed, while
 * a dialog is open, and when the user has turned them off.
 */

import { useEffect, useState } from 'preact/hooks';

import { Dialog } from './dialog.js';
import { html } from './html.js';
import { t } from '../i18n.js';
import { app, href, setKeys, useStore } from '../store.js';

/** @type {Record<string, string>} key -> view */
const VIEWS = { 1: 'overview', 2: 'processes', 3: 'services', 4: 'memory',
  5: 'log', 6: 'account' };

/** @type {[string, string][]} */
const KEYS = [['?', 'keys.help'], ['1 – 6', 'keys.views'], ['/', 'keys.search'],
  ['p', 'keys.pause'], ['↑ ↓', 'keys.rows'], ['PgUp/Dn', 'keys.pages'],
  ['Home End', 'keys.ends'], ['Esc', 'keys.close']];

const TYPING = 'input:not([type="checkbox"], [type="radio"]), select, textarea';


export function Keys() {
  const [shown, setShown] = useState(false);
  const on = useStore(app, (s) => s.keys);

  useEffect(() => {
    const press = (/** @type {KeyboardEvent} */ event) => {
      const { key, target, ctrlKey, altKey, metaKey } = event;

      if (ctrlKey || altKey || metaKey || app.get().dialogs > 0
        || /** @type {Element} */ (target).matches?.(TYPING)) {
        return;
      }

      if (key === '?') {
        setShown(true);
      } else if (!app.get().keys) {
        return;
      } else if (key in VIEWS) {
        location.hash = href(VIEWS[key]);
      } else if (key === 'p') {
        app.set({ paused: !app.get().paused });
      } else if (key === '/') {
        /** @type {HTMLElement | null} */
        (document.querySelector('main input[type="search"]'))?.focus();
      } else {
        return;
      }

      event.preventDefault();
    };

    addEventListener('keydown', press);

    return () => removeEventListener('keydown', press);
  }, []);

  const close = () => setShown(false);

  return shown && html`<${Dialog} title=${t('keys.title')} onClose=${close}
    buttons=${html`<button type="button" class="primary" autofocus
      onClick=${close}>${t('dialog.close')}</button>`}>
    <dl class="keys">${KEYS.map(([key, what]) => html`<div key=${key}>
      <dt><kbd>${key}</kbd></dt><dd>${t(what)}</dd></div>`)}</dl>
    <label class="check"><input type="checkbox" checked=${on}
      onChange=${(e) => setKeys(e.target.checked)} />${t('keys.on')}</label>
  <//>`;
}
