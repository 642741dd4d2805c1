/*
 * Feeds: one polling loop for each URL that a component on the screen uses.
 * The timer is armed again after the answer only, the answer's ETag goes with
 * the next request, nothing is asked in a hidden tab, while paused or while
 * the server is away.
 */

import { useEffect, useReducer, useRef } from 'preact/hooks';

import { ApiError, request } from './api.js';
import { app } from './store.js';

const ABSENT = [400, 404, 405, 501];
const KEPT = 30000;         /* what was left comes back with its last answer */


class Feed {
  /** @param {string} path */
  constructor(path) {
    this.path = path;
    /** @type {any} */
    this.data = undefined;
    /** @type {string | null} */
    this.etag = null;
    /** what the answer left out for want of permission */
    this.partial = '';
    /** @type {ApiError | null} */
    this.error = null;
    /** when the data was last known to be so */
    this.at = 0;
    /** grows with each change of data or error */
    this.version = 0;
    /** @type {Map<() => void, number>} redraw -> its slowest pace */
    this.users = new Map();
    /** @type {AbortController | null} */
    this.asking = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.again = false;
  }

  get wanted() {
    const { paused, away, session } = app.get();

    return this.users.size > 0 && session && !away && !paused
      && document.visibilityState === 'visible';
  }

  arm() {
    clearTimeout(this.timer);

    /* what is not there now is not asked for again and again */
    if (this.wanted && !supplied.has(this.path)
      && !ABSENT.includes(this.error?.status ?? 200)) {
      const pace = Math.min(...this.users.values());

      this.timer = setTimeout(() => this.ask(),
        Math.max(app.get().interval, pace));
    }
  }

  async ask() {
    clearTimeout(this.timer);

    if (this.asking) {
      this.again = true;
      return;
    }

    const asking = new AbortController();

    this.asking = asking;
    this.again = false;

    try {
      const answer = await request('GET', this.path,
        { etag: this.etag, signal: asking.signal });

      if (answer.status !== 304) {
        this.data = answer.data;
        this.etag = answer.etag;
        this.partial = answer.headers.get('X-Procmgr-Partial') ?? '';
        this.version++;
      }

      if (this.error) {
        this.error = null;
        this.version++;
      }

      this.at = Date.now();

    } catch (error) {
      if (asking.signal.aborted) {
        return;
      }

      /* away has its own banner; the last answer stays on the screen */
      if (error instanceof ApiError && !error.away) {
        this.error = error;
        this.etag = null;
        this.version++;
      }
    } finally {
      if (this.asking === asking) {
        this.asking = null;
      }
    }

    for (const redraw of this.users.keys()) {
      redraw();
    }

    if (this.again && this.wanted) {
      this.ask();
    } else {
      this.arm();
    }
  }

  stop() {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.asking = null;
  }
}


/** @type {Map<string, Feed>} */
const feeds = new Map();

/** paths whose answers come by themselves @type {Set<string>} */
const supplied = new Set();

/** @param {string} path */
function feedOf(path) {
  let feed = feeds.get(path);

  if (!feed) {
    feed = new Feed(path);
    feeds.set(path, feed);
  }

  return feed;
}


/* all feeds in use ask now: the tab is seen again, the server is back */
export function kick() {
  for (const feed of feeds.values()) {
    if (feed.wanted) {
      feed.ask();
    }
  }
}


/**
 * An answer that came unasked: its path is not polled from now on.
 *
 * @param {string} path @param {any} data undefined: no news
 */
export function supply(path, data) {
  const feed = feeds.get(path);

  supplied.add(path);
  clearTimeout(feed?.timer);

  if (feed && data !== undefined) {
    feed.data = data;
    feed.etag = null;
    feed.error = null;
    feed.at = Date.now();
    feed.version++;

    for (const redraw of feed.users.keys()) {
      redraw();
    }
  }
}


/* nothing comes by itself any more */
export function askAgain() {
  const paths = [...supplied];

  supplied.clear();

  for (const path of paths) {
    const feed = feeds.get(path);

    if (feed?.wanted) {
      feed.ask();
    }
  }
}


/** @param {string} prefix asks the feeds below it again, even when paused */
export function refresh(prefix) {
  for (const feed of feeds.values()) {
    if (!feed.path.startsWith(prefix)) {
      continue;
    }

    if (feed.users.size > 0) {
      feed.ask();
    } else {
      feed.at = 0;
    }
  }
}


/* the session is over: nothing it saw is kept */
export function forgetAll() {
  for (const feed of feeds.values()) {
    feed.stop();
    feed.data = undefined;
    feed.etag = null;
    feed.error = null;
    feed.at = 0;
  }

  for (const [path, feed] of feeds) {
    if (feed.users.size === 0) {
      feeds.delete(path);
    }
  }
}


/**
 * @param {string | null} path null: nothing is asked
 * @param {number} [pace] ms, when it may be asked more seldom than the rest
 * @returns {{ data: any, error: ApiError | null, at: number, version: number,
 *             partial: string, stale: boolean, path: string | null }}
 * path: whose answer it is; stale: of a former one
 */
export function useFeed(path, pace = 0) {
  const [, redraw] = useReducer((n) => n + 1, 0);
  const last = useRef(/** @type {any} */ (undefined));

  useEffect(() => {
    if (path === null) {
      return undefined;
    }

    const feed = feedOf(path);
    const draw = () => redraw(undefined);

    feed.users.set(draw, pace);

    if (Date.now() - feed.at >= app.get().interval) {
      feed.ask();
    } else {
      feed.arm();
    }

    return () => {
      feed.users.delete(draw);

      if (feed.users.size === 0) {
        feed.stop();
        setTimeout(() => {
          if (feed.users.size === 0 && feeds.get(path) === feed) {
            feeds.delete(path);
          }
        }, KEPT);
      }
    };
  }, [path, pace]);

  const feed = path === null ? undefined : feeds.get(path);

  if (feed && (feed.data !== undefined || feed.error)) {
    const { at, version } = last.current ?? {};

    /* the same object while nothing has changed */
    if (at === feed.at && version === feed.version
      && last.current.path === path) {
      return last.current;
    }

    last.current = { data: feed.data, error: feed.error, at: feed.at,
      version: feed.version, partial: feed.partial, stale: false, path };
    return last.current;
  }

  if (path !== null && last.current) {
    return { ...last.current, stale: true };
  }

  return { data: undefined, error: null, at: 0, version: 0, partial: '',
    stale: false, path };
}


addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') {
    kick();
  } else {
    for (const feed of feeds.values()) {
      clearTimeout(feed.timer);
    }
  }
});


let { paused, interval } = app.get();

app.subscribe(() => {
  const now = app.get();

  if (now.paused === paused && now.interval === interval) {
    return;
  }

  const resumed = paused && !now.paused;

  ({ paused, interval } = now);

  if (resumed) {
    kick();
    return;
  }

  for (const feed of feeds.values()) {
    feed.arm();
  }
});
