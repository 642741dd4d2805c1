/* The frame around the views: bar, navigation, banners */

import { useEffect, useMemo, useRef } from 'preact/hooks';

import { Banners } from './banners.js';
import { html } from './html.js';
import { Icon } from './icons.js';
import { Keys } from './keys.js';
import { Preferences } from './preferences.js';
import { plain } from '../format.js';
import { t, tm, tn } from '../i18n.js';
import { useFeed } from '../poll.js';
import { remember, rememberNetwork } from '../history.js';
import { logout } from '../session.js';
import { INTERVALS, app, href, setPace, useStore } from '../store.js';
import { Account } from '../views/account.js';
import { Log } from '../views/log.js';
import { Login } from '../views/login.js';
import { Memory } from '../views/memory.js';
import { Overview } from '../views/overview.js';
import { Processes } from '../views/processes.js';
import { Services } from '../views/services.js';

/** @type {Record<string, { title: string, view: any }>} */
const VIEWS = {
  overview: { title: 'nav.overview', view: Overview },
  processes: { title: 'nav.processes', view: Processes },
  services: { title: 'nav.services', view: Services },
  memory: { title: 'nav.memory', view: Memory },
  log: { title: 'nav.log', view: Log },
  account: { title: 'nav.account', view: Account },
};


export function App() {
  const session = useStore(app, (s) => s.session);

  /* the words of everything below change with it */
  useStore(app, (s) => s.lang);

  if (session === undefined) {
    return html`<main class="splash"><${Banners} /></main>`;
  }

  return session ? html`<${Frame} session=${session} />` : html`<${Login} />`;
}


/** @param {{ session: import('../store.js').Session }} props */
function Frame({ session }) {
  const route = useStore(app, (s) => s.route);
  const lang = useStore(app, (s) => s.lang);
  const name = route.view in VIEWS ? route.view : 'overview';
  const { title, view: View } = VIEWS[name];
  const main = useRef(/** @type {HTMLElement | null} */ (null));
  const unread = useFeed('log/unread').data?.unread ?? 0;
  const info = useFeed('system/info', 60000).data;
  const summary = useFeed('system/summary');
  const network = useFeed('system/network/io?pernic=true');
  const policy = useFeed('control/policy', 30000).data;
  const host = info?.hostname?.is_exec ? plain(info.hostname.cmdret) : '';

  /* on every view, so that the charts have no holes */
  if (summary.data) {
    remember(summary.data);
  }

  if (network.data) {
    rememberNetwork(network.data, network.at);
  }

  /* only the overview shows what is asked for here every two seconds */
  const view = useMemo(() => html`<${View} key=${name} params=${route.params}
    session=${session} policy=${policy} info=${info} summary=${summary} />`,
  [name, route.params, session, policy, info, lang,
    name === 'overview' && summary, name === 'overview' && network]);

  useEffect(() => {
    document.title = [unread > 0 ? `(${unread}) ${t(title)}` : t(title),
      host, 'procmgr'].filter(Boolean).join(' · ');
  });

  return html`
    <button type="button" class="skip"
      onClick=${() => main.current?.focus()}>${t('nav.skip')}</button>
    <header class="bar">
      <a class="brand" href=${href('overview')}>
        <${Icon} name="pulse" /><span>procmgr</span>
        ${host && html`<span class="host" title=${host}>${host}</span>`}
      </a>
      <nav aria-label=${t('nav.label')}>
        ${Object.entries(VIEWS).filter(([key]) => key !== 'account')
          .map(([key, v]) => html`
          <a key=${key} href=${href(key)}
            aria-current=${key === name ? 'page' : undefined}>
            ${t(v.title)}
            ${key === 'log' && html`<${Badge} n=${unread} />`}
          </a>`)}
      </nav>
      <div class="tools">
        <${Pause} />
        <${Preferences} />
        <${AccountMenu} session=${session} />
      </div>
    </header>
    <${Keys} />
    <${Banners} helper=${policy?.helper} />
    <main ref=${main} tabindex="-1" class=${name}>
      <h1 class="sr">${t(title)}</h1>
      ${view}
    </main>`;
}


/** @param {{ n: number }} props */
function Badge({ n }) {
  return html`
    ${n > 0 && html`<span class="badge" aria-hidden="true">
      ${n > 99 ? '99+' : n}</span>`}
    <span class="sr" role="status">${n > 0 ? tn('log.unread', n) : ''}</span>`;
}


function Pause() {
  const paused = useStore(app, (s) => s.paused);
  const label = t(paused ? 'poll.resume' : 'poll.pause');

  return html`<button type="button" class=${`tool${paused ? ' on' : ''}`}
    aria-pressed=${paused ? 'true' : 'false'} aria-label=${label} title=${label}
    onClick=${() => app.set({ paused: !paused })}>
    <${Icon} name=${paused ? 'play' : 'pause'} />
  </button>`;
}


/** @param {{ session: import('../store.js').Session }} props */
function AccountMenu({ session }) {
  const interval = useStore(app, (s) => s.interval);
  const hide = () => document.getElementById('account')?.hidePopover();

  return html`
    <button type="button" class="tool account" popovertarget="account"
      aria-label=${t('account.label', { user: plain(session.user) })}>
      <${Icon} name="user" /><span>${plain(session.user)}</span>
    </button>
    <div id="account" popover="auto" class="popover">
      <p class="who"><b>${plain(session.user)}</b>
        <span>${tm('role', session.role)}</span></p>
      <label>${t('poll.interval')}
        <select value=${String(interval)}
          onChange=${(e) => setPace(Number(e.target.value))}>
          ${INTERVALS.map((ms) => html`<option key=${ms} value=${String(ms)}>
            ${t('poll.every', { n: ms / 1000 })}</option>`)}
        </select>
      </label>
      <a class="button" href=${href('account')} onClick=${hide}>
        ${t('account.open')}</a>
      <button type="button" onClick=${() => logout().catch(() => {})}>
        ${t('account.logout')}</button>
    </div>`;
}
