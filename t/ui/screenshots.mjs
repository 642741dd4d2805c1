/*
 * Pictures of every view in both themes and three widths:
 * node t/ui/screenshots.mjs FOLDER [WIDTH...]
 *
 * Those of the README, in both themes:
 * node t/ui/screenshots.mjs --readme doc
 */

import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { browse, instance, login, watch } from './lib.mjs';

const SETTLE = 6000;            /* ms, so that the charts show a line */
const LONG = 12000;

const readme = process.argv[2] === '--readme';
const [out, ...given] = process.argv.slice(readme ? 3 : 2);
const widths = given.length > 0 ? given.map(Number) : [400, 1280, 3840];

if (!out) {
  console.error('usage: node screenshots.mjs FOLDER [WIDTH...]');
  process.exit(2);
}


/** @type {Record<string, (page: import('playwright-core').Page) => any>} */
const views = {
  overview: (page) => page.waitForSelector('#largest'),
  host: async (page) => {
    await page.waitForSelector('#disks');
    await page.evaluate(() => document.querySelector('.cards')
      ?.scrollIntoView());
  },
  processes: (page) => page.waitForSelector('.processes tbody td'),
  process: (page) => page.waitForSelector('.drawer .group'),
  columns: (page) => page.click('button[popovertarget="columns"]'),
  signal: async (page) => {
    await page.waitForSelector('.drawer .group');

    /* the policy may allow it for no process that there is */
    if (await page.locator('.acts button').count()) {
      await page.click('.acts button');
    }
  },
  services: (page) => page.waitForSelector('#sockets'),
  confirm: async (page) => {
    await page.click('td.actions button[title^="Restart"], td.actions '
      + 'button[title^="重启"]');
    await page.waitForSelector('dialog[open]');
  },
  memory: async (page) => {
    await page.waitForSelector('.watch canvas');
    await page.waitForSelector('.segments tbody tr');
  },
  watch: async (page) => {
    await page.click('[aria-labelledby="watches"] .primary');
    await page.waitForSelector('dialog[open]');
  },
  log: async (page) => {
    await page.waitForSelector('td.actions button');
    await page.click('td.actions button');
    await page.waitForSelector('.detail .effect');
  },
  account: (page) => page.waitForSelector('#sessions'),
  newaccount: async (page) => {
    await page.click('[aria-labelledby="accounts"] .primary');
    await page.waitForSelector('dialog[open]');
  },
  keys: async (page) => {
    await page.keyboard.press('?');
    await page.waitForSelector('dialog .keys');
  },
};

/** @param {string} view @returns {string} where it is */
const hash = (view) => ({ confirm: 'services', host: 'overview',
  process: `processes?pid=${where.nginx_pid}`, columns: 'processes',
  signal: `processes?pid=${sleeper.pid}`,
  watch: 'memory', newaccount: 'account', keys: 'account' })[view] ?? view;


const resize = (page, width) => page.setViewportSize({ width,
  height: width < 600 ? 860 : Math.floor(width * .64) });


await mkdir(out, { recursive: true });

const where = instance();

/* one that the bundled policy allows to be signalled */
const sleeper = spawn('/bin/sleep', ['900'],
  { uid: process.getuid?.() || 1000, stdio: 'ignore' });

sleeper.unref();
process.on('exit', () => sleeper.kill());


/* something to look at: watches of the server's own processes, a measured
   run, whose rows then stand in the log */

/** @param {import('playwright-core').Page} page */
const prepare = (page) => page.evaluate(async (pids) => {
  const { csrf } = await (await fetch('session')).json();
  const post = (path, body) => fetch(path, { method: 'POST',
    body: JSON.stringify(body), headers: { 'X-CSRF-Token': csrf,
      'Content-Type': 'application/json', 'Idempotency-Key':
        crypto.randomUUID() } });

  await post('memory/watches', { pid: pids[0], interval_ms: 100,
    thresholds_mb: [20, 40] });
  await post('memory/watches', { name: 'postgres', interval_ms: 1000,
    thresholds_mb: [100] });
  await post('control/commands', { command: 'procmgr-demo work 48',
    measure: true });
  await post('control/services', { name: 'demo', action: 'restart' });
}, [where.nginx_pid]);


/* the two pictures of the README, in English, both themes */
async function forReadme() {
  for (const theme of ['light', 'dark']) {
    const browser = await browse({ colorScheme: theme,
      viewport: { width: 1400, height: 880 } });
    const { page } = await watch(browser.context, where.url);
    const name = (view) => join(out,
      `${view}${theme === 'dark' ? '-dark' : ''}.png`);

    await login(page, where);
    await page.waitForTimeout(LONG);
    await page.screenshot({ path: name('overview') });
    const pid = await page.evaluate(async () => (await (await fetch(
      'system/process/info?fields=pid&name=checkpointer')).json())[0].pid);
    const query = new URLSearchParams({ sort: '-rss', pid,
      filter: 'name ~ nginx or name ~ postgres' });

    await page.goto(`${where.url}#/processes?${query}`);
    await page.waitForSelector('.drawer .group');
    await page.mouse.move(0, 0);
    await page.waitForTimeout(LONG);
    await page.screenshot({ path: name('processes') });
    await browser.close();
  }
}


if (readme) {
  await forReadme();
}

for (const theme of readme ? [] : ['light', 'dark']) {
  const browser = await browse({ colorScheme: theme,
    locale: theme === 'light' ? 'en-US' : 'zh-CN' });
  const { page } = await watch(browser.context, where.url);
  const shoot = (name) => page.screenshot({
    path: join(out, `${name}-${theme}-${page.viewportSize().width}.png`) });

  await page.goto(where.url);
  await page.waitForSelector('input[name="username"]');

  for (const width of widths) {
    await resize(page, width);
    await shoot('login');
  }

  await login(page, where);
  await prepare(page);
  await page.waitForTimeout(SETTLE);

  for (const [view, ready] of Object.entries(views)) {
    for (const width of widths) {
      await resize(page, width);
      await page.goto(`${where.url}#/${hash(view)}`);
      await page.mouse.move(0, 0);
      await ready(page);
      await page.waitForTimeout(700);
      await shoot(view);
      await page.keyboard.press('Escape');
    }
  }

  await browser.close();
}
