/* The start of the page: words, session, then what is on the screen */

import { render } from 'preact';

import { listenToEvents } from './events.js';
import { loadLanguage } from './i18n.js';
import { resume } from './session.js';
import { App } from './ui/app.js';
import { html } from './ui/html.js';

await Promise.all([loadLanguage(), resume()]);

render(html`<${App} />`,
  /** @type {Element} */ (document.getElementById('app')));

listenToEvents();
