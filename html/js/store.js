/*
 * The page's state: one small observable store, the settings that outlive the
 * page (localStorage) and the view's state in the URL's hash, so that a view
 * with its filters can be reloaded and shared.
 */

import { useEffect, useState } from 'preact/hooks';


/**
 * @template {object} T
 * @param {T} state
 */
export function createStore(state) {
  /** @type {Set<() => void>} */
  const listeners = new Set();

  return {
    get: () => state,

    /** @param {Partial<T>} patch */
    set(patch) {
      state = { ...state, ...patch };

      for (const listener of [...listeners]) {
        listener();
      }
    },

    /** @param {() => void} listener */
    subscribe(listener) {
      listeners.add(listener);
      return () => { listeners.delete(listener); };
    },
  };
}


/**
 * Renders the component again when what `select` picks has changed.
 *
 * @template {object} T
 * @template V
 * @param {{ get: () => T, subscribe: (l: () => void) => () => void }} store
 * @param {(state: T) => V} select
 * @returns {V}
 */
export function useStore(store, select) {
  const [, redraw] = useState(0);
  const value = select(store.get());

  useEffect(() => {
    let last = value;
    const look = () => {
      const next = select(store.get());

      if (!Object.is(next, last)) {
        last = next;
        redraw((n) => n + 1);
      }
    };

    /* it may have changed between the render and this effect */
    look();

    return store.subscribe(look);
  }, [store]);

  return value;
}


/**
 * @typedef {{ user: string, role: string, csrf: string }} Session
 * @typedef {{ view: string, params: Record<string, string> }} Route
 */

/* settings */

export const INTERVALS = [1000, 2000, 5000, 10000, 30000];
export const THEMES = ['system', 'light', 'dark'];

/** @param {string} name */
function recall(name) {
  try {
    return localStorage.getItem(`procmgr.${name}`);
  } catch {
    return null;
  }
}

/** @param {string} name @param {string} value */
function keep(name, value) {
  try {
    localStorage.setItem(`procmgr.${name}`, value);
  } catch {
    /* then it lasts as long as the page */
  }
}

function initialInterval() {
  const ms = Number(recall('interval'));

  return INTERVALS.includes(ms) ? ms : 2000;
}

function initialTheme() {
  const theme = recall('theme') ?? '';

  return THEMES.includes(theme) ? theme : 'system';
}


export const app = createStore({
  /** undefined: not known yet; null: nobody is logged in
   * @type {Session | null | undefined} */
  session: undefined,
  /** a session has just ended under the user's hands */
  expired: false,
  route: readHash(),
  lang: '',
  theme: initialTheme(),
  interval: initialInterval(),
  /** single keys do something */
  keys: recall('keys') !== 'off',
  paused: false,
  /** the server does not answer
   * @type {{ since: number, retryAt: number } | null} */
  away: null,
  /** dialogs on the screen; tables keep their order meanwhile */
  dialogs: 0,
});


/** @param {string} theme */
export function setTheme(theme) {
  keep('theme', theme);

  if (theme === 'system') {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = theme;
  }

  app.set({ theme });
}


/** @param {number} interval */
export function setPace(interval) {
  keep('interval', String(interval));
  app.set({ interval });
}


/** @param {boolean} keys */
export function setKeys(keys) {
  keep('keys', keys ? 'on' : 'off');
  app.set({ keys });
}


/** @param {string} view @param {string[]} all @param {string[]} standard */
export function storedColumns(view, all, standard) {
  const chosen = (recall(`columns.${view}`) ?? '').split(',')
    .filter((name) => all.includes(name));

  return chosen.length > 0 ? chosen : standard;
}

/** @param {string} view @param {string[]} names */
export const storeColumns = (view, names) => keep(`columns.${view}`,
  names.join(','));


export const storedLanguage = () => recall('lang');

/** @param {string} lang */
export const storeLanguage = (lang) => keep('lang', lang);


/**
 * What was typed and not sent; it outlives a view and a session that expired,
 * but not a change of the user.
 *
 * @type {Map<string, any>}
 */
export const drafts = new Map();


/* route: #/view?key=value */

/** @returns {Route} */
function readHash() {
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?', 2);

  return { view: path, params: Object.fromEntries(new URLSearchParams(query)) };
}


/** @param {string} view @param {Record<string, string>} [params] */
export function href(view, params = {}) {
  const query = new URLSearchParams(params).toString();

  return `#/${view}${query ? `?${query}` : ''}`;
}


/**
 * Changes parameters of the view; empty ones are left out.
 *
 * @param {Record<string, string | undefined>} patch
 */
export function setParams(patch) {
  const { view, params } = app.get().route;
  /** @type {Record<string, string>} */
  const next = {};

  for (const [key, value] of Object.entries({ ...params, ...patch })) {
    if (value) {
      next[key] = value;
    }
  }

  history.replaceState(null, '', href(view || 'overview', next));
  app.set({ route: readHash() });
}


addEventListener('hashchange', () => app.set({ route: readHash() }));
