/*
 * What the tests of all views share: one browser for each file, a page that
 * must not complain, and the steps that many tests take.  The server is a
 * running instance: nginx, PostgreSQL, the helper and the demonstration
 * service are the real ones.
 */

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';

import { browse, instance, login, watch, words } from './lib.mjs';

const axe = readFileSync(createRequire(import.meta.url)
  .resolve('axe-core/axe.min.js'), 'utf8');
export const where = instance();

/** @type {Awaited<ReturnType<typeof browse>>} */
export let browser;
/** @type {import('playwright-core').Page} */
export let page;
/** @type {string[]} */
export let complaints;


let wanted = false;

/* all files but the one that tests the login begin so */
export function loggedIn() {
  wanted = true;
}

before(async () => {
  browser = await browse();
  ({ page, complaints } = await watch(browser.context, where.url));

  if (wanted) {
    await login(page, where);
  }
});

after(async () => {
  await browser?.close();
});

beforeEach(async () => {
  complaints.length = 0;

  /* what a failed test may have left behind */
  if (await page?.locator('dialog').count()) {
    await page.reload();
  }

  await page?.mouse.move(0, 0);
});


/** @param {string} name @param {() => Promise<void>} body no complaints, too */
export function quiet(name, body) {
  test(name, async () => {
    await body();
    assert.deepEqual(complaints, []);
  });
}


/** @param {string} hash */
export const go = (hash) => page.evaluate((h) => { location.hash = h; }, hash);

export async function toEnglish() {
  if (await page.locator('html[lang^="zh"]').count()) {
    await page.click('.tools button[lang="en"]');
    await page.waitForSelector('html[lang="en"]');
  }
}


/* how many operations the badge says are unread */
export async function badge() {
  const text = await page.locator('nav [role="status"]').textContent();

  return Number(/\d+/.exec(text ?? '')?.[0] ?? 0);
}


/** @param {string} name @param {string} action fills the form and submits */
export async function submit(name, action) {
  await go('#/services');
  await page.waitForSelector('form.control');
  await page.fill('form.control input[name="name"]', name);
  await page.check(`form.control input[value="${action}"]`, { force: true });
  await page.click('form.control button[type="submit"]');
  await page.waitForSelector('dialog[open]');
}


/** @param {'signal' | 'priority'} what the button of a process's drawer */
export const act = (what) => page.click(
  `.acts button:has-text("${words('en')[`act.${what}`]}")`);


export const confirm = () => page.click(
  'dialog .buttons .primary, dialog .buttons .danger');

/** @returns {Promise<string>} what the dialog says in the end */
export async function outcome() {
  await page.waitForSelector('dialog .outcome .notice', { timeout: 30000 });

  return await page.locator('dialog .outcome .notice').textContent() ?? '';
}

export const close = () => page.click('dialog .buttons .primary');


/** @returns {Promise<string[]>} what axe finds */
export async function violations() {
  /* through the debugger: the page's own CSP allows no such script */
  await page.evaluate(axe);

  const { violations: found } = await page.evaluate(
    () => /** @type {any} */ (window).axe.run());

  return found.map((/** @type {any} */ v) => `${v.id}: ${
    v.nodes.map((/** @type {any} */ n) => n.target.join(' ')).join(', ')}`);
}
