/*
 * Pictures of every view in both themes and three widths:
 * node t/ui/screenshots.mjs FOLDER [WIDTH...]
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { browse, instance, login, watch } from './lib.mjs';

const SETTLE = 6000;            /* so that the charts show a line */

const [out, ...given] = process.argv.slice(2);
const widths = given.length > 0 ? given.map(Number) : [400, 1400, 2560];

if (!out) {
  console.error('usage: node screenshots.mjs FOLDER [WIDTH...]');
  process.exit(2);
}


/** @type {Record<string, (page: import('playwright-core').Page) => any>} */
const views = {
  overview: (page) => page.waitForSelector('#largest'),
  services: (page) => page.waitForSelector('#sockets'),
  confirm: async (page) => {
    await page.click('td.actions button:last-child');
    await page.waitForSelector('dialog[open]');
  },
  log: async (page) => {
    await page.waitForSelector('td.actions button');
    await page.click('td.actions button');
    await page.waitForSelector('.detail .effect');
  },
};

const hash = { confirm: 'services' };


const resize = (page, width) => page.setViewportSize({ width,
  height: width < 600 ? 860 : Math.floor(width * .64) });


await mkdir(out, { recursive: true });

const where = instance();

for (const theme of ['light', 'dark']) {
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
  await page.waitForTimeout(SETTLE);

  for (const [view, ready] of Object.entries(views)) {
    for (const width of widths) {
      await resize(page, width);
      await page.goto(`${where.url}#/${hash[view] ?? view}`);
      await page.mouse.move(0, 0);
      await ready(page);
      await page.waitForTimeout(700);
      await shoot(view);
      await page.keyboard.press('Escape');
    }
  }

  await browser.close();
}
