/*
 * The instance under test, and a browser that knows nothing of earlier ones.
 *
 * PROCMGR_UI_INSTANCE names the instance.json of a running instance;
 * tools/test-ui.sh sets it.  Alone: make run, then
 * PROCMGR_UI_INSTANCE=run/instance.json node --test t/ui/*.test.mjs
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const top = join(dirname(fileURLToPath(import.meta.url)), '../..');

const browsers = [process.env.PROCMGR_CHROMIUM, '/usr/bin/chromium',
  '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/* answers that a test provokes; the browser prints them to the console */
const expectedStatus
  = /the server responded with a status of (40[0-5]|409|429|50[13])/;


export function instance() {
  const path = process.env.PROCMGR_UI_INSTANCE ?? 'run/instance.json';

  if (!existsSync(path)) {
    throw new Error(`${path}: no running instance ("make run" starts one)`);
  }

  return JSON.parse(readFileSync(path, 'utf8'));
}


/**
 * A browser with a folder of its own; close() removes both.
 *
 * @param {object} [options] of the browser's context
 */
export async function browse(options = {}) {
  const executablePath = browsers.find((path) => path && existsSync(path));

  if (!executablePath) {
    throw new Error('no Chromium; PROCMGR_CHROMIUM may name one');
  }

  const dir = await mkdtemp(join(tmpdir(), 'procmgr-ui-'));
  const context = await chromium.launchPersistentContext(dir, {
    executablePath,
    headless: true,
    locale: 'en-US',
    viewport: { width: 1400, height: 900 },
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update',
      '--disable-sync'],
    ...options,
  });

  return {
    context,
    async close() {
      await context.close();
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}


/**
 * A page, and all it has complained of: console errors, exceptions, breaches
 * of the Content-Security-Policy, requests to other hosts.
 *
 * @param {import('playwright-core').BrowserContext} context
 * @param {string} url of the instance
 */
export async function watch(context, url) {
  const page = await context.newPage();
  /** @type {string[]} */
  const complaints = [];
  const { origin } = new URL(url);

  page.on('console', (message) => {
    if (message.type() === 'error' && !expectedStatus.test(message.text())) {
      complaints.push(`console: ${message.text()}`);
    }
  });
  page.on('pageerror', (error) => complaints.push(`exception: ${error}`));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) {
      complaints.push(`outside request: ${request.url()}`);
    }
  });
  page.on('dialog', (dialog) => {
    complaints.push(`script ran: ${dialog.message()}`);
    dialog.dismiss();
  });
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (e) => {
      console.error(`CSP: ${e.violatedDirective} ${e.blockedURI}`);
    });
  });

  return { page, complaints };
}


/** @param {import('playwright-core').Page} page */
export async function login(page, { url, username, password }, hash = '') {
  await page.goto(url + hash);
  await page.fill('input[name="username"]', username);
  await page.fill('input[name="password"]', password);
  await page.click('button[type="submit"]');
  await page.waitForSelector('header.bar');
}


/** @param {string} lang @returns {Record<string, string>} */
export const words = (lang) => JSON.parse(readFileSync(
  join(top, `html/i18n/${lang}.json`), 'utf8'));


/*
 * The instance's own tools: its nginx and its PostgreSQL are stopped, started
 * and asked by the scripts that made them.
 */

const run = () => realpathSync(dirname(process.env.PROCMGR_UI_INSTANCE
  ?? 'run/instance.json'));

/** @param {string[]} words of tools/instance.sh @returns {string} */
export const tool = (command, ...words) => execFileSync(
  join(top, 'tools/instance.sh'), [command, run(), ...words],
  { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();

/** @param {string} text @returns {string} */
export const sql = (text) => execFileSync('psql', ['-XAtq', tool('conninfo',
  process.getuid?.() === 0 ? 'postgres' : userInfo().username), '-c', text],
{ encoding: 'utf8' }).trim();
