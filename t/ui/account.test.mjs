/* The account: sessions are ended, the password is changed */

import assert from 'node:assert/strict';

import { go, loggedIn, page, quiet, where } from './harness.mjs';
import { browse, login, watch } from './lib.mjs';


loggedIn();


quiet('own sessions are listed, this one is marked, another ended', async () => {
  const other = await browse();

  try {
    const seen = await watch(other.context, where.url);

    await login(seen.page, where);
    await page.click('.tools .account');
    await page.click('#account a.button');
    await page.waitForSelector('main.account tbody tr');

    const rows = page.locator('[aria-labelledby="sessions"] tbody tr');

    assert.equal(await rows.locator('.pill').count(), 1);

    /* the newest comes first */
    await rows.first().locator('button').click();
    await seen.page.waitForSelector('main.login .notice.warn',
      { timeout: 10000 });
    assert.equal(await page.locator('main.account').count(), 1);
  } finally {
    await other.close();
  }
});


/** @param {string} old @param {string} fresh @param {string} [again] */
async function change(old, fresh, again = fresh) {
  await page.fill('input[name="old"]', old);
  await page.fill('input[name="new"]', fresh);
  await page.fill('input[name="again"]', again);
  await page.click('[aria-labelledby="password"] button.primary');
}


quiet('the new password is checked before it is sent', async () => {
  const error = page.locator('[aria-labelledby="password"] .notice.bad');

  await go('#/account');
  await change(where.password, 'short');
  assert.match(await error.innerText(), /at least \d+ characters/);
  await change(where.password, 'long enough 1', 'long enough 2');
  assert.match(await error.innerText(), /differ/);
});


quiet('a wrong present password is refused', async () => {
  await change('not the password', 'another long one');
  await page.waitForFunction(() => /wrong/.test(document.querySelector(
    '[aria-labelledby="password"] .notice.bad')?.textContent ?? ''));
});


quiet('the password is changed, and back', async () => {
  const fresh = `${where.password}-new`;

  for (const [old, next] of [[where.password, fresh],
    [fresh, where.password]]) {
    await change(old, next);
    await page.waitForSelector('[aria-labelledby="password"] .notice.ok',
      { timeout: 10000 });
    assert.equal(await page.inputValue('input[name="old"]'), '');
    await page.fill('input[name="old"]', 'x');
    await page.click('[aria-labelledby="password"] button.primary');
    await page.waitForSelector('[aria-labelledby="password"] .notice.ok',
      { state: 'hidden' }).catch(() => {});
  }
});
