/* Language and theme: on every view and on the login */

import { html } from './html.js';
import { Icon } from './icons.js';
import { LANGUAGES, setLanguage, t, tm } from '../i18n.js';
import { THEMES, app, setTheme, useStore } from '../store.js';

/** @type {Record<string, string>} */
const THEME_ICONS = { system: 'system', light: 'sun', dark: 'moon' };

export function Preferences() {
  const lang = useStore(app, (s) => s.lang);
  const theme = useStore(app, (s) => s.theme);
  const other = lang === 'zh' ? 'en' : 'zh';
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  const label = t('theme.label', { theme: tm('theme', theme) });

  return html`
    <button type="button" class="tool" lang=${other}
      onClick=${() => setLanguage(other)}>${LANGUAGES[other]}</button>
    <button type="button" class="tool" aria-label=${label} title=${label}
      onClick=${() => setTheme(next)}>
      <${Icon} name=${THEME_ICONS[theme]} />
    </button>`;
}
