/*
 * Who is logged in, and whether the server is there at all.  While it is
 * away, one probe with growing pauses stands in for all polling.
 */

import { ApiError, listen, request } from './api.js';
import { forget } from './history.js';
import { app, drafts } from './store.js';
import { kick, forgetAll } from './poll.js';

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30000;

let pause = FIRST_PAUSE;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** @type {string | null} */
let lastUser = null;


function away() {
  if (app.get().away && timer) {
    return;
  }

  /* a little chance, so that many pages do not come back in step */
  const wait = pause * (0.75 + Math.random() / 2);

  pause = Math.min(pause * 2, LONGEST_PAUSE);
  timer = setTimeout(probe, wait);
  app.set({
    away: { since: app.get().away?.since ?? Date.now(),
      retryAt: Date.now() + wait },
  });
}


function back() {
  if (!app.get().away) {
    return;
  }

  clearTimeout(timer);
  timer = undefined;
  pause = FIRST_PAUSE;
  app.set({ away: null });
  kick();
}


export async function probe() {
  clearTimeout(timer);
  timer = undefined;

  /* its outcome arrives through away(), back() and the session */
  await resume();
}


/* asks who we are: at the start, and when the server is back */
export async function resume() {
  try {
    const { data } = await request('GET', 'session', { quiet: true });

    begin(data);
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) {
      /* another request may have learned it first */
      end(app.get().expired || Boolean(app.get().session));
    } else if (error instanceof ApiError && !error.away
      && app.get().session === undefined) {
      end(false);
    }
  }
}


/** @param {import('./store.js').Session} session */
function begin(session) {
  if (lastUser !== session.user) {
    drafts.clear();
  }

  lastUser = session.user;
  app.set({ session, expired: false });
}


/** @param {boolean} expired */
function end(expired) {
  forgetAll();
  forget();
  app.set({ session: null, expired });
}


/** @param {string} username @param {string} password */
export async function login(username, password) {
  const { data } = await request('POST', 'session',
    { body: { username, password }, quiet: true });

  begin(data);
}


export async function logout() {
  try {
    await request('DELETE', 'session', { quiet: true });
  } catch (error) {
    /* 401: it was over already */
    if (!(error instanceof ApiError) || error.status !== 401) {
      throw error;
    }
  }

  end(false);
}


listen({ away, back, expired: () => end(true) });
