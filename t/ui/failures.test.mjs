/*
 * What goes wrong outside the page: nginx reloaded or gone, PostgreSQL
 * stopped, a session that ends elsewhere, an old password, another site.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { after, test } from 'node:test';

import { act, browser, close, complaints, confirm, go, loggedIn, outcome, page,
  quiet, submit, where } from './harness.mjs';
import { login, sql, tool, watch } from './lib.mjs';


const LONG = { timeout: 60000 };

loggedIn();

/* whatever a failed test left behind */
after(() => {
  tool('pg-start');

  try {
    process.kill(Number(tool('nginx-pid')), 0);
  } catch {
    tool('nginx-start');
  }
});


const time = () => page.getAttribute('.card.lines time', 'datetime');

/* the overview goes on being refreshed */
async function lives() {
  await go('#/overview');
  await page.waitForSelector('.card.lines time', LONG);

  const was = await time();

  await page.waitForFunction((t) => document.querySelector('.card.lines time')
    ?.getAttribute('datetime') !== t, was, LONG);
}


/* its zone remembers sessions */
function restart() {
  tool('nginx-stop');
  tool('nginx-start');
}

/* what the browser prints of a server that is away */
const forgive = () => complaints.splice(0, complaints.length,
  ...complaints.filter((c) => !/ERR_CONNECTION_REFUSED/.test(c)));


/* nginx */

quiet('nginx reloaded while the page is open: nothing is seen of it', async () => {
  await lives();
  tool('nginx-start');          /* a running one is reloaded */
  await lives();
  assert.equal(await page.locator('.banners .notice.bad').count(), 0);
  await submit('demo', 'restart');
  tool('nginx-start');
  await confirm();
  assert.match(await outcome(), /demo was (re)?started\./);
  await close();
  await lives();
});


test('nginx stopped: a banner; started: all is well again', async () => {
  await go('#/processes');
  await page.waitForSelector('.processes tbody td');
  tool('nginx-stop');
  await page.waitForSelector('.banners .notice.bad', LONG);
  assert.ok(await page.locator('.processes tbody td').count() > 0);
  tool('nginx-start');
  await page.waitForSelector('.banners .notice.bad', { ...LONG,
    state: 'detached' });
  await lives();
});


/* PostgreSQL */

quiet('PostgreSQL stopped: said, nothing is done; back: well again', async () => {
  await go('#/log');
  await page.waitForSelector('main.log tbody tr');
  tool('pg-stop');

  try {
    await page.waitForSelector('main.log .notice.bad', LONG);
    assert.match(await page.innerText('main.log .notice.bad'),
      /The database is away/);
    await submit('demo', 'stop');
    await confirm();
    assert.match(await outcome(), /The database is away: .*nothing is exec/);
    await close();

    /* reading goes on */
    await lives();
  } finally {
    tool('pg-start');
  }

  await go('#/log');
  await page.waitForSelector('main.log .notice.bad', { ...LONG,
    state: 'detached' });
  await page.waitForSelector('main.log tbody tr');
  await submit('demo', 'restart');
  await confirm();
  assert.match(await outcome(), /demo was (re)?started\./);
  await close();
});


/* sessions */

/** @param {(page: import('playwright-core').Page) => any} use */
async function inSecondTab(use) {
  const other = await watch(browser.context, where.url);

  try {
    await other.page.goto(where.url);
    await other.page.waitForSelector('header.bar');
    await use(other.page);
    assert.deepEqual(other.complaints, []);
  } finally {
    await other.page.close();
  }
}


quiet('what one tab does is seen in the other', async () => {
  await go('#/services');
  await page.locator('.managed tbody tr', { hasText: 'demo' }).waitFor();
  await inSecondTab(async (second) => {
    await second.goto(`${where.url}#/services`);

    /* both act: neither disturbs the other */
    for (const [tab, verb, state] of [[second, 'Stop', 'inactive'],
      [page, 'Start', 'active']]) {
      await tab.bringToFront();
      await tab.getByRole('button', { name: `${verb} demo`, exact: true })
        .click();
      await tab.click('dialog .buttons .primary, dialog .buttons .danger');
      await tab.waitForSelector('dialog .outcome .notice.ok', LONG);
      await tab.click('dialog .buttons .primary');

      for (const seen of [page, second]) {
        await seen.bringToFront();
        await seen.locator('.managed tbody tr', { hasText: 'demo' })
          .locator('.state', { hasText: new RegExp(`^\\s*${state}`) })
          .waitFor(LONG);
      }
    }
  });
  await page.bringToFront();
});


quiet('signing out in one tab ends the other, new sign-in revives both', async () => {
  await go('#/overview');
  await inSecondTab(async (second) => {
    await second.click('.tools .account');
    await second.click('#account > button');
    await second.waitForSelector('main.login');
    await page.bringToFront();
    await page.waitForSelector('main.login .notice.warn', LONG);
    await page.fill('input[name="username"]', where.username);
    await page.fill('input[name="password"]', where.password);
    await page.click('button[type="submit"]');
    await page.waitForSelector('main.overview');
    await second.bringToFront();
    await second.reload();
    await second.waitForSelector('main.overview', LONG);
  });
  await page.bringToFront();
});


quiet('a session that ends in a dialog: refused, sign-in, on with it', async () => {
  await submit('demo', 'restart');
  sql('UPDATE procmgr.session SET expires = now() WHERE ended IS NULL');
  restart();
  await page.waitForSelector('main.login .notice.warn', LONG);
  assert.equal(await page.locator('dialog').count(), 0);
  await page.fill('input[name="username"]', where.username);
  await page.fill('input[name="password"]', where.password);
  await page.click('button[type="submit"]');
  await page.waitForSelector('form.control', LONG);
  assert.equal(await page.inputValue('form.control input[name="name"]'),
    'demo');
  forgive();
});


/* the password again */

quiet('an old password is asked for again, then it is done', async () => {
  const name = `procmgr-ui-old-${process.pid}`;
  const child = spawn('/usr/bin/perl', ['-e', `
    $0 = shift; $SIG{TERM} = 'IGNORE'; $| = 1; print "x"; sleep 600`, name],
  { stdio: ['ignore', 'pipe', 'inherit'], uid: process.getuid?.() || 1000,
    cwd: '/' });

  try {
    await once(child.stdout, 'data');
    sql("UPDATE procmgr.session SET auth_at = now() - interval '6 minutes'");
    restart();
    await go(`#/processes?q=${name}&pid=${child.pid}`);
    await page.reload();
    await act('signal');
    await page.selectOption('dialog select[name="signal"]', 'TERM');
    await page.check('dialog input[name="then"]');
    await confirm();
    await page.waitForSelector('dialog input[name="password"]', LONG);
    await page.fill('dialog input[name="password"]', 'not the password');
    await page.click('dialog .primary');
    await page.waitForSelector('dialog .notice.bad', LONG);
    assert.equal(child.exitCode ?? child.signalCode, null);
    await page.fill('dialog input[name="password"]', where.password);
    await page.click('dialog .primary');
    assert.match(await outcome(), /The signal was sent/);
    assert.match(await page.locator('dialog .effect').innerText(),
      new RegExp(`Gone\\s+${child.pid}`));
    await close();
    forgive();
  } finally {
    child.kill('SIGKILL');
  }
});


/* another site */

test('another site can neither read nor write', async () => {
  /* a page of another origin, in the same browser, with its cookies */
  const server = http.createServer((_, res) => {
    res.writeHead(200, { 'Content-Type': 'text/html' });
    res.end('<!doctype html><title>other</title>');
  });

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const { port } = /** @type {import('node:net').AddressInfo} */
    (server.address());
  const other = await browser.context.newPage();
  const rows = () => Number(sql(`SELECT count(*) FROM procmgr.op
    WHERE type LIKE 'service%'`));
  const before = rows();

  try {
    await other.goto(`http://127.0.0.1:${port}/`);

    const answers = await other.evaluate(async (url) => {
      /** @param {string} path @param {RequestInit} init */
      const ask = (path, init) => fetch(new URL(path, url),
        { credentials: 'include', ...init })
        .then((r) => `${r.type} ${r.status}`, () => 'blocked');
      const body = JSON.stringify({ name: 'demo', action: 'stop' });

      return [
        await ask('system/process', {}),
        await ask('control/services', { method: 'POST', body,
          headers: { 'Content-Type': 'application/json' } }),
        await ask('control/services', { method: 'POST', body,
          mode: 'no-cors' }),
        await ask('session', { method: 'DELETE' }),
      ];
    }, where.url);

    assert.equal(answers[0], 'blocked');
    assert.equal(answers[1], 'blocked');
    assert.match(answers[2], /^(blocked|opaque 0)$/);
    assert.equal(answers[3], 'blocked');

    /* a form needs no preflight, and no script to send it */
    const [answer] = await Promise.all([
      other.waitForResponse((r) => r.url().startsWith(where.url)),
      other.evaluate((url) => {
        const form = document.createElement('form');

        form.method = 'post';
        form.action = new URL('control/services', url).href;
        form.enctype = 'text/plain';
        document.body.append(form);
        form.submit();
      }, where.url),
    ]);

    assert.ok([403, 415, 421].includes(answer.status()),
      `${answer.status()}`);
  } finally {
    await other.close();
    server.close();
  }

  assert.equal(rows(), before);
  await page.bringToFront();
  await lives();
  complaints.length = 0;
});
