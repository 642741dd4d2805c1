/* The operation log, from the operation to its read mark */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

import { badge, close, confirm, go, loggedIn, outcome, page, quiet,
  submit } from './harness.mjs';
import { sql } from './lib.mjs';


loggedIn();


quiet('a restart asked for by the form is done, said and logged', async () => {
  await go('#/services');
  await page.waitForSelector('nav [role="status"]', { state: 'attached' });
  await page.waitForTimeout(2500);

  const unread = await badge();
  const row = page.locator('.managed tbody tr', { hasText: 'demo' });

  await row.waitFor();
  await submit('demo', 'restart');
  assert.match(await page.locator('dialog').innerText(),
    /Restart demo[^]*stopped and started again/);
  await confirm();
  assert.match(await outcome(), /demo was restarted\./);
  assert.match(await page.locator('dialog .effect').innerText(), /active/);
  assert.equal(await page.locator('dialog.ok').count(), 1);
  await close();
  assert.equal(await page.locator('dialog').count(), 0);

  await page.waitForFunction((n) => Number(/\d+/.exec(document.querySelector(
    'nav [role="status"]')?.textContent ?? '')?.[0] ?? 0) > n, unread,
  { timeout: 10000 });

  await page.click('nav a[href="#/log"]');

  const logged = page.locator('table tbody tr').first();

  await logged.waitFor();
  assert.match(await logged.innerText(),
    /Service restart[^]*demo[^]*success[^]*new/);
});


quiet('the detail of a logged operation shows its course', async () => {
  await page.locator('table td.actions button').first().click();
  await page.waitForSelector('.detail .events li');
  assert.match(await page.locator('.detail .events').innerText(), /asked for/);
  assert.match(await page.locator('.detail .outcome').innerText(),
    /demo was restarted\./);
  assert.match(page.url(), /op=[0-9a-f-]{36}/);
});


quiet('marking read lowers the badge and changes the row', async () => {
  const unread = await badge();

  assert.ok(unread > 0);
  await page.locator('table tbody tr:not(.detail-row)').first()
    .locator('td.read button').click();
  await page.waitForFunction((n) => Number(/\d+/.exec(document.querySelector(
    'nav [role="status"]')?.textContent ?? '')?.[0] ?? 0) < n, unread);
  await page.waitForFunction(() => !document.querySelector(
    'main.log tbody tr')?.classList.contains('unread'));
  await page.click('main.log .head button');
  await page.waitForFunction(() => document.querySelector(
    'nav [role="status"]')?.textContent?.trim() === '');
});


quiet('an unknown service is refused, explained and logged', async () => {
  await submit('no-such-service', 'restart');
  assert.match(await page.locator('dialog').innerText(), /does not list/);
  await confirm();
  assert.match(await outcome(), /The policy knows no service of this name\./);
  assert.equal(await page.locator('dialog.bad').count(), 1);
  await page.click('dialog .outcome a');
  await page.waitForSelector('main.log .detail .notice.bad');
  await page.locator('main.log tbody tr', { hasText: 'no-such-service' })
    .filter({ hasText: 'refused' }).first().waitFor();
});


quiet('the log is filtered by the server', async () => {
  await go('#/log');
  await page.selectOption('.filters select >> nth=1', 'refused');
  await page.waitForFunction(() => {
    const rows = [...document.querySelectorAll('main.log tbody tr')];

    return rows.length > 0 && rows.every(
      (tr) => /refused/.test(tr.textContent ?? ''));
  });
  assert.match(page.url(), /ret=refused/);
  await page.click('.filters .plain');
  assert.doesNotMatch(page.url(), /ret=/);
});


quiet('a text is searched in a bounded time', async () => {
  const asked = page.waitForRequest((r) => /\/log\?.*q=nothing-of/.test(
    r.url()));

  await page.fill('.filters input[name="q"]', 'nothing-of-that-kind');
  assert.match((await asked).url(), /since=\d{4}-/);
  await page.waitForSelector('main.log .empty');
  await page.click('.filters .plain');
  await page.waitForSelector('main.log tbody tr');
});


quiet('what is filtered is exported, as CSV and as JSON lines', async () => {
  await page.selectOption('.filters select >> nth=0', 'login');
  await page.waitForFunction(() => /logType=login/.test(
    document.querySelector('.exports a')?.getAttribute('href') ?? ''));

  for (const link of ['CSV', 'JSON lines']) {
    const [file] = await Promise.all([page.waitForEvent('download'),
      page.getByRole('link', { name: link, exact: true }).click()]);
    const [first, ...more] = readFileSync(await file.path(), 'utf8').trim()
      .split('\n');

    if (link === 'CSV') {
      assert.match(first, /\blogType\b/);
    } else {
      assert.equal(JSON.parse(first).logType, 'login');
    }

    assert.ok(more.length > 0);
    assert.ok(more.every((line) => !line.includes('service_restart')));
  }

  await page.click('.filters .plain');
});


quiet('hostile text in the log is shown as text', async () => {
  const path = /\/log\?/;
  const nasty = '<img src=x onerror=alert(2)></script>\u202e\u0000\nline';

  await page.route(path, async (route) => {
    const answer = await route.fetch();
    const body = await answer.json();

    Object.assign(body.rows[0], { target: nasty, actor: nasty, stdout: nasty,
      retStatus: 'success' });
    await route.fulfill({ response: answer, json: body });
  });
  await go('#/log');
  await page.waitForFunction(() => /onerror/.test(
    document.querySelector('main.log tbody tr')?.textContent ?? ''));
  assert.match(await page.locator('main.log tbody tr').first().innerText(),
    /<img src=x onerror=alert\(2\)><\/script>⟨202E⟩⟨00⟩⟨0A⟩line/);

  /* and what a program said */
  await page.route(/\/log\/[0-9a-f-]{36}$/, async (route) => {
    const answer = await route.fetch();

    await route.fulfill({ response: answer, json: { ...await answer.json(),
      retStatus: 'failure', state: 'done', is_exec: false, stdout: nasty,
      stderr: nasty, cmdret: nasty, argv: [nasty], events: [] } });
  });
  await page.locator('main.log td.actions button').first().click();
  await page.waitForSelector('.detail .output');
  assert.match(await page.innerText('.detail .output'),
    /^<img src=x onerror=alert\(2\)><\/script>⟨202E⟩⟨00⟩\nline/);
  assert.equal(await page.locator('main img, main script').count(), 0);
  await page.unroute(/\/log\/[0-9a-f-]{36}$/);
  await page.unroute(path);
});


/* answers that are empty with more to look at: a text that one of many rows
   has, and that is the oldest.  The server looks at 1000 rows for each */

const FLOOD = 30000;

function flood() {
  sql(`SET session_replication_role = replica;
    INSERT INTO procmgr.chain VALUES ('flood', 0, 0, '');
    CREATE TEMP TABLE f AS SELECT setval('procmgr.log_seq',
      nextval('procmgr.log_seq') + ${FLOOD}) - ${FLOOD} AS first;
    INSERT INTO procmgr.op SELECT first + i, gen_random_uuid(), 'flood',
      now() - (${FLOOD} - i) * interval '1 ms', 'login',
      CASE i WHEN 0 THEN 'needle' ELSE 'hay' END, 'flood', 'admin',
      '127.0.0.1', '{}', NULL, NULL FROM f, generate_series(0, ${FLOOD}) i;
    INSERT INTO procmgr.op_event SELECT seq, seq, host, seq, at, 'outcome',
      'success', NULL, '{}', '' FROM procmgr.op WHERE host = 'flood';
    INSERT INTO procmgr.op_state SELECT seq, 'success', NULL, seq, false
      FROM procmgr.op WHERE host = 'flood';
    ANALYZE procmgr.op; ANALYZE procmgr.op_state; ANALYZE procmgr.op_event`);
}

const ebb = () => sql(`SET session_replication_role = replica;
  DELETE FROM procmgr.op_state WHERE seq IN
    (SELECT seq FROM procmgr.op WHERE host = 'flood');
  DELETE FROM procmgr.op_event WHERE host = 'flood';
  DELETE FROM procmgr.op WHERE host = 'flood';
  DELETE FROM procmgr.chain WHERE host = 'flood'`);

const LONG = { timeout: 60000 };
const OLDER = /\/log\?.*before=/;
const more = () => page.getByRole('button', { name: 'Load older' });
const stop = () => page.getByRole('button', { name: 'Stop looking' });
const left = async () => Number((await page.innerText('main.log p.foot'))
  .replace(/\D/g, ''));


quiet('empty answers are passed by until something is found', async () => {
  /** @type {string[]} */
  const asked = [];
  const note = (/** @type {import('playwright-core').Request} */ request) => {
    if (OLDER.test(request.url())) {
      asked.push(request.url());
    }
  };
  const slow = async (/** @type {import('playwright-core').Route} */ route) => {
    await setTimeout(500);
    await route.continue().catch(() => {});
  };

  flood();
  page.on('request', note);

  try {
    await go('#/log?q=needle&age=365');
    await page.locator('main.log tbody tr', { hasText: 'needle' })
      .waitFor(LONG);
    assert.ok(asked.length >= FLOOD / 1000 - 1);
    assert.equal(new Set(asked).size, asked.length);

    /* how far it has come is said; it can be stopped */
    await page.route(OLDER, slow);
    await go('#/log?q=no-needle&age=365');
    await stop().waitFor(LONG);

    const first = await left();

    await page.waitForFunction((n) => Number(document.querySelector(
      'main.log p.foot')?.textContent?.replace(/\D/g, '')) < n, first, LONG);
    await stop().click();
    await more().waitFor();
    assert.match(await page.innerText('main.log .empty'),
      /Nothing found among/);

    const stopped = asked.length;

    await page.waitForTimeout(1500);
    assert.equal(asked.length, stopped);

    /* another question ends it, too */
    await more().click();
    await stop().waitFor(LONG);
    await page.fill('.filters input[name="q"]', 'hay');
    await page.locator('main.log tbody tr', { hasText: 'hay' }).first()
      .waitFor(LONG);

    const changed = asked.length;

    await page.waitForTimeout(1500);
    assert.equal(asked.length, changed);
  } finally {
    page.off('request', note);
    await page.unroute(OLDER);
    ebb();
  }

  await page.click('.filters .plain');
});


quiet('a log that gives nothing but empty answers is left at a bound', async () => {
  let asked = 0;

  await page.route(/\/log\?.*q=endless/, (route) => {
    const before = Number(/before=(\d+)/.exec(route.request().url())?.[1]
      ?? 1000000);

    asked += before < 1000000 ? 1 : 0;

    return route.fulfill({ json: { rows: [], next: before - 1000, unread: 0 } });
  });
  await go('#/log?q=endless&age=365');
  await page.waitForFunction(() => /At most 798,999 older/.test(
    document.querySelector('main.log p.foot')?.textContent ?? ''), null, LONG);
  await more().waitFor();
  assert.equal(asked, 200);
  await page.unroute(/\/log\?.*q=endless/);
  await page.click('.filters .plain');
});
