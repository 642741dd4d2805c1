/*
 * What the server tells by itself, where it does: the summary and the state
 * of the log come as events and are not asked for then.  Nobody listens in a
 * hidden tab or while paused.  A stream that fails, or is silent for long,
 * gives way to polling until the next attempt: never both, never neither.
 */

import { askAgain, refresh, supply } from './poll.js';
import { app } from './store.js';

const FIRST_PAUSE = 5000;      /* ms */
const LONGEST_PAUSE = 300000;
const SILENCE = 20000;
const EARLY = 200;

/** @type {EventSource | null} */
let source = null;
let pause = FIRST_PAUSE;
let shown = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let again;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let silence;


function close() {
  clearTimeout(silence);
  source?.close();

  if (source) {
    source = null;
    askAgain();
  }
}


function fail() {
  close();
  clearTimeout(again);
  again = setTimeout(() => {
    again = undefined;
    look();
  }, pause);
  pause = Math.min(pause * 2, LONGEST_PAUSE);
}


/** @param {string} name @param {(data: any) => void} take */
function on(name, take) {
  source?.addEventListener(name, (event) => {
    clearTimeout(silence);
    silence = setTimeout(fail, SILENCE);
    take(JSON.parse(event.data));
  });
}


function open() {
  source = new EventSource(new URL('events', new URL('.', document.baseURI)));
  source.addEventListener('error', fail);
  silence = setTimeout(fail, SILENCE);

  /* it comes as often as the server looks; the user chose another pace */
  on('summary', (data) => {
    const due = Date.now() - shown >= app.get().interval - EARLY;

    pause = FIRST_PAUSE;
    shown = due ? Date.now() : shown;
    supply('system/summary', due ? data : undefined);
  });
  on('log', (data) => {
    supply('log/unread', data);
    refresh('log?');
  });
  on('watch', () => refresh('memory/watches'));
  on('alert', () => refresh('memory/watches'));
}


/* opens or closes it, as things stand now */
function look() {
  const { session, paused, away } = app.get();
  const wanted = session && !paused && !away
    && document.visibilityState === 'visible';

  if (!wanted) {
    close();
  } else if (!source && again === undefined) {
    open();
  }
}


export function listenToEvents() {
  app.subscribe(look);
  addEventListener('visibilitychange', look);
  look();
}
