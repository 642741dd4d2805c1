/* Login, a session that expires, the way out */

import assert from 'node:assert/strict';

import { browser, go, page, quiet, where } from './harness.mjs';
import { login } from './lib.mjs';


/* login */

quiet('a wrong password is refused in one sentence', async () => {
  await page.goto(where.url);
  await page.fill('input[name="username"]', where.username);
  await page.fill('input[name="password"]', 'not the password');
  await page.click('button[type="submit"]');
  await page.waitForSelector('main.login .notice.bad');
  assert.equal((await page.textContent('main.login .notice.bad'))?.trim(),
    'User name or password is wrong.');
  assert.equal(await page.inputValue('input[name="password"]'), '');
  assert.equal(await page.locator('header.bar').count(), 0);
});


quiet('an unknown user is refused in the same sentence', async () => {
  await page.fill('input[name="username"]', 'nobody-of-that-name');
  await page.fill('input[name="password"]', 'not the password');
  await page.click('button[type="submit"]');
  await page.waitForSelector('main.login button:not([disabled])');
  assert.match(await page.textContent('main.login .notice.bad') ?? '',
    /User name or password is wrong\.|Too many attempts/);
});


quiet('the right password opens the overview', async () => {
  await login(page, where);
  await page.waitForSelector('main.overview');
  assert.match(await page.title(), /procmgr$/);
});


/* session */

quiet('an expired session: the password, then on where one was', async () => {
  await go('#/services?q=nginx&all=1');
  await page.waitForSelector('.sockets tbody tr');
  await page.fill('form.control input[name="name"]', 'half-typed');
  await browser.context.clearCookies();
  await page.waitForSelector('main.login .notice.warn', { timeout: 10000 });
  assert.match(await page.textContent('main.login .notice') ?? '',
    /Your session has ended/);
  await page.fill('input[name="username"]', where.username);
  await page.fill('input[name="password"]', where.password);
  await page.click('button[type="submit"]');
  await page.waitForSelector('.sockets tbody tr');
  assert.match(page.url(), /#\/services\?q=nginx&all=1$/);
  assert.equal(await page.inputValue('input[type="search"]'), 'nginx');
  assert.equal(await page.inputValue('form.control input[name="name"]'),
    'half-typed');
});


quiet('signing out ends the session', async () => {
  await page.click('.tools .account');
  await page.click('#account > button');
  await page.waitForSelector('main.login');
  assert.equal(await page.locator('main.login .notice').count(), 0);
  await page.reload();
  await page.waitForSelector('main.login input');
});
