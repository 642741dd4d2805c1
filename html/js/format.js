/*
 * Numbers, sizes and times for people, and hostile text made visible.
 */

import { app } from './store.js';
import { t } from './i18n.js';

const locale = () => (app.get().lang === 'zh' ? 'zh-CN' : app.get().lang);

/** @type {Map<string, Intl.NumberFormat>} */
const formats = new Map();

/** @param {number} digits @returns {Intl.NumberFormat} */
function decimals(digits) {
  const key = `${locale()} ${digits}`;
  let format = formats.get(key);

  if (!format) {
    format = new Intl.NumberFormat(locale(),
      { minimumFractionDigits: digits, maximumFractionDigits: digits });
    formats.set(key, format);
  }

  return format;
}


/** @param {unknown} n @param {number} [digits] */
export function number(n, digits = 0) {
  return typeof n === 'number' ? decimals(digits).format(n) : '–';
}


/** @param {unknown} kib */
export function kibibytes(kib) {
  if (typeof kib !== 'number') {
    return '–';
  }

  const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let n = kib, unit = 0;

  while (n >= 1024 && unit < units.length - 1) {
    n /= 1024;
    unit++;
  }

  return `${decimals(unit === 0 || n >= 100 ? 0 : 1).format(n)} ${units[unit]}`;
}


/** @param {unknown} n */
export const bytes = (n) => (typeof n === 'number' && n < 1024
  ? `${decimals(0).format(n)} B`
  : kibibytes(typeof n === 'number' ? n / 1024 : n));


/** @param {unknown} seconds two largest units */
export function duration(seconds) {
  if (typeof seconds !== 'number') {
    return '–';
  }

  if (seconds > 0 && seconds < 1) {
    return t('time.ms', { n: number(seconds * 1000) });
  }

  if (seconds < 60) {
    return t('time.s', { n: number(seconds, seconds < 10 ? 1 : 0) });
  }

  const s = Math.floor(seconds);
  const days = Math.floor(s / 86400);
  const hours = Math.floor(s / 3600) % 24;
  const minutes = Math.floor(s / 60) % 60;
  const parts = [[days, 'time.d'], [hours, 'time.h'], [minutes, 'time.min'],
    [s % 60, 'time.s']];
  const first = parts.findIndex(([n]) => n);

  return parts.slice(first, first + 2).filter(([n]) => n)
    .map(([n, key]) => t(String(key), { n })).join(' ');
}


/** @param {number} n */
const two = (n) => String(n).padStart(2, '0');

/**
 * In the order of ISO 8601: 12/01 is another day on each side of an ocean.
 *
 * @param {Date} date @param {boolean} [day] even if it is today
 */
export function clock(date, day = false) {
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map(two).join(':');

  return !day && new Date().toDateString() === date.toDateString() ? time
    : `${date.getFullYear()}-${two(date.getMonth() + 1)}-${
      two(date.getDate())} ${time}`;
}


/*
 * Names, arguments and outputs come from anybody on the host.  They only ever
 * become text nodes; controls and the marks that reorder text, which could
 * still deceive the eye, are shown as signs.
 */

const DECEIVING = new RegExp('[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200b-\\u200f'
  + '\\u2028-\\u202e\\u2060-\\u2069\\ufeff]', 'g');

/** @param {string} c */
const sign = (c) => `\u27e8${c.charCodeAt(0).toString(16).toUpperCase()
  .padStart(2, '0')}\u27e9`;

/** @param {unknown} value one line */
export function plain(value) {
  return String(value).replace(DECEIVING, sign);
}

/** @param {unknown} value several lines: the output of a program */
export function output(value) {
  return String(value).replace(/\r\n/g, '\n')
    .replace(DECEIVING, (c) => (c === '\n' || c === '\t' ? c : sign(c)));
}
