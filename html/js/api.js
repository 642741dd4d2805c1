/*
 * Every request of the page passes here: URLs relative to the page, so that
 * it works under any mount path, the CSRF token on writes, RFC 9457 problems
 * as ApiError, and word of sessions that ended and servers that went away.
 */

import { app } from './store.js';

const base = new URL('.', document.baseURI);

const READ_TIMEOUT = 10000;
const WRITE_TIMEOUT = 45000;


export class ApiError extends Error {
  /**
   * @param {number} status 0: no answer came
   * @param {string} code
   * @param {{ title?: string, detail?: string, op_id?: string,
   *           reason?: string }} problem
   * @param {number} retryAfter seconds, or 0
   */
  constructor(status, code, problem = {}, retryAfter = 0) {
    super(problem.detail || problem.title || code);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.detail = typeof problem.detail === 'string' ? problem.detail : '';
    /* of a refused operation: the log's code, often narrower than `code` */
    this.reason = typeof problem.reason === 'string' ? problem.reason : '';
    this.opId = typeof problem.op_id === 'string' ? problem.op_id : '';
    this.retryAfter = retryAfter;
  }

  /** nothing answered, or only a front server in place of ours */
  get away() {
    return this.status === 0 || this.code === 'server_away';
  }
}


/** @type {{ expired: () => void, away: () => void, back: () => void }} */
const listener = { expired() {}, away() {}, back() {} };

/** @param {typeof listener} handlers */
export function listen(handlers) {
  Object.assign(listener, handlers);
}


/** @param {Response} response @returns {Promise<ApiError>} */
async function problemOf(response) {
  const type = response.headers.get('Content-Type') ?? '';
  const retryAfter = Number(response.headers.get('Retry-After')) || 0;
  const gateway = [502, 503, 504].includes(response.status);

  if (!/^application\/(problem\+)?json/.test(type)) {
    return new ApiError(response.status,
      gateway ? 'server_away' : `http_${response.status}`, {}, retryAfter);
  }

  const body = await response.json().catch(() => ({}));
  const code = typeof body?.code === 'string' ? body.code
    : `http_${response.status}`;

  return new ApiError(response.status, code, body ?? {}, retryAfter);
}


/**
 * @typedef {{
 *   body?: object,
 *   headers?: Record<string, string>,
 *   etag?: string | null,
 *   signal?: AbortSignal,
 *   quiet?: boolean,
 * }} Options `quiet`: a 401 is an answer, not the end of the session
 *
 * @param {string} method
 * @param {string} path relative to the page, without a leading slash
 * @param {Options} [options]
 * @returns {Promise<{ status: number, data: any, etag: string | null,
 *                     headers: Headers }>} status 304: data is undefined
 */
export async function request(method, path, options = {}) {
  const { body, etag, signal, quiet } = options;
  const read = method === 'GET';
  /* a signal of AbortSignal.timeout() would hold the answer until then */
  const limit = new AbortController();
  const abort = () => limit.abort();
  const timer = setTimeout(abort, read ? READ_TIMEOUT : WRITE_TIMEOUT);
  /** @type {Record<string, string>} */
  const headers = { Accept: 'application/json', ...options.headers };
  const session = app.get().session;

  if (body) {
    headers['Content-Type'] = 'application/json';
  }

  if (!read && session) {
    headers['X-CSRF-Token'] = session.csrf;
  }

  if (etag) {
    headers['If-None-Match'] = etag;
  }

  let response, data;

  signal?.addEventListener('abort', abort);

  try {
    response = await fetch(new URL(path, base), {
      method,
      headers,
      body: body && JSON.stringify(body),
      cache: 'no-store',
      credentials: 'same-origin',
      redirect: 'error',
      signal: limit.signal,
    });

    if (response.ok && response.status !== 204) {
      data = await response.json();
    }

  } catch (error) {
    if (signal?.aborted) {
      throw error;
    }

    if (response && error instanceof SyntaxError) {
      throw new ApiError(response.status, 'bad_answer');
    }

    listener.away();
    throw new ApiError(0, 'server_away');

  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }

  if (response.ok || response.status === 304) {
    listener.back();

    return { status: response.status, data, etag: response.headers.get('ETag'),
      headers: response.headers };
  }

  const error = await problemOf(response);

  if (error.away) {
    listener.away();
    throw error;
  }

  listener.back();

  if (error.status === 401 && !quiet) {
    listener.expired();
  }

  throw error;
}


/* crypto.randomUUID() exists in secure contexts only; plain http is not one */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));

  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;

  const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, '0'))
    .join('');

  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}


/** @param {Record<string, string | number | undefined>} params */
export function query(params) {
  const set = Object.entries(params)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => [key, String(value)]);
  const text = new URLSearchParams(set).toString();

  return text && `?${text}`;
}
