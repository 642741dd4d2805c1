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


quiet('an admin makes an account, changes it, deletes it', async () => {
  const name = `ui-${process.pid}`;
  const row = page.locator('[aria-labelledby="accounts"] tbody tr',
    { hasText: name });
  const send = async () => {
    await page.click('dialog [type="submit"]');
    await page.waitForSelector('dialog', { state: 'detached',
      timeout: 30000 });
  };

  await go('#/account');
  await page.click('[aria-labelledby="accounts"] .primary');
  await page.fill('dialog input[name="name"]', 'no name');
  await page.selectOption('dialog select[name="role"]', 'operator');
  await page.fill('dialog input[name="password"]', 'a good password');
  await page.click('dialog [type="submit"]');
  await page.waitForSelector('dialog .notice.bad');
  await page.fill('dialog input[name="name"]', name);
  await page.fill('dialog input[name="services"]', 'demo');
  await send();
  await row.waitFor();
  assert.match(await row.innerText(), /demo\s+operator/);

  const other = await browse();

  try {
    const seen = await watch(other.context, where.url);
    const account = { ...where, username: name, password: 'a good password' };

    await login(seen.page, account);
    await seen.page.waitForSelector('main.overview tbody tr');

    /* an operator sees neither accounts nor others' sessions */
    await seen.page.goto(`${where.url}#/account`);
    await seen.page.waitForSelector('main.account tbody tr');
    assert.equal(await seen.page.locator('#accounts').count(), 0);
    await seen.page.goto(`${where.url}#/log`);
    await seen.page.waitForSelector('main.log tbody tr');
    assert.equal(await seen.page.locator('.exports').count(), 0);

    await row.getByRole('button', { name: `Change account ${name}` }).click();
    await page.check('dialog input[name="disabled"]');
    await send();
    await row.locator('.pill.bad').waitFor();
    await seen.page.waitForSelector('main.login .notice.warn',
      { timeout: 30000 });

    await row.getByRole('button', { name: `Change account ${name}` }).click();
    await page.uncheck('dialog input[name="disabled"]');
    await page.selectOption('dialog select[name="role"]', 'viewer');
    await page.fill('dialog input[name="services"]', '');
    await send();
    await row.locator('.pill.bad').waitFor({ state: 'detached' });
    await login(seen.page, account);
    await seen.page.goto(`${where.url}#/services`);
    await seen.page.waitForSelector('.sockets tbody tr');
    assert.equal(await seen.page.locator('form.control').count(), 0);
    assert.deepEqual(seen.complaints, []);
  } finally {
    await other.close();
  }

  await row.getByRole('button', { name: `Delete account ${name}` }).click();
  await send();
  await row.waitFor({ state: 'detached' });
});


quiet('the last administrator stays', async () => {
  await go('#/account');
  await page.getByRole('button',
    { name: `Delete account ${where.username}` }).click();
  await page.click('dialog [type="submit"]');
  await page.waitForSelector('dialog .notice.bad');
  assert.match(await page.innerText('dialog .notice.bad'),
    /The last administrator cannot be removed/);
  await page.keyboard.press('Escape');
});
