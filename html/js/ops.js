/*
 * An operation from the confirmed wish to its end.  The Idempotency-Key is
 * made once for the wish: asking again after a lost answer finds the first
 * operation and never starts a second.
 */

import { ApiError, request, uuid } from './api.js';
import { refresh } from './poll.js';

const FOLLOW = 1000;            /* ms between looks at a running operation */
const GIVE_UP = 30 * 60 * 1000;

/** @param {number} ms */
const sleep = (ms) => new Promise((done) => { setTimeout(done, ms); });


/**
 * @typedef {{ path: string, body: object, key: string }} Wish
 *
 * @param {string} path @param {object} body @returns {Wish}
 */
export const wish = (path, body) => ({ path, body, key: uuid() });


/** @param {any} op */
export const running = (op) => op?.state === 'running'
  || op?.retStatus === 'running' || op?.retStatus === 'pending';


/**
 * @param {Wish} w
 * @param {(op: any) => void} onProgress
 * @returns {Promise<any>} the operation, done
 * @throws {ApiError}
 */
export async function perform(w, onProgress) {
  try {
    const { data } = await request('POST', w.path, { body: w.body,
      headers: { 'Idempotency-Key': w.key, Prefer: 'wait=8' } });

    return running(data) ? await follow(data, onProgress) : data;
  } finally {
    refresh('log');
    refresh('control/services');
    refresh('system/services');
    refresh('system/process');
  }
}


/** @param {any} op @param {(op: any) => void} onProgress */
async function follow(op, onProgress) {
  const until = Date.now() + GIVE_UP;

  while (running(op) && Date.now() < until) {
    onProgress(op);
    await sleep(FOLLOW);

    try {
      op = (await request('GET', `log/${encodeURIComponent(op.op_id)}`)).data;
    } catch (error) {
      /* it goes on without us; anything but absence ends the looking */
      if (!(error instanceof ApiError) || !(error.away
        || error.status === 503 || error.status === 429)) {
        throw error;
      }
    }
  }

  return op;
}
