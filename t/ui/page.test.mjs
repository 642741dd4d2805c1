/*
 * The page in a real browser against a running instance: nginx, PostgreSQL,
 * the helper and the demonstration service are the real ones.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { after, before, beforeEach, test } from 'node:test';

import { browse, instance, login, watch } from './lib.mjs';

const axe = readFileSync(createRequire(import.meta.url)
  .resolve('axe-core/axe.min.js'), 'utf8');
const where = instance();
const port = new URL(where.url).port;

/** @type {Awaited<ReturnType<typeof browse>>} */
let browser;
/** @type {import('playwright-core').Page} */
let page;
/** @type {string[]} */
let complaints;


before(async () => {
  browser = await browse();
  ({ page, complaints } = await watch(browser.context, where.url));
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
function quiet(name, body) {
  test(name, async () => {
    await body();
    assert.deepEqual(complaints, []);
  });
}


/** @param {string} hash */
const go = (hash) => page.evaluate((h) => { location.hash = h; }, hash);

async function toEnglish() {
  if (await page.locator('html[lang^="zh"]').count()) {
    await page.click('.tools button[lang="en"]');
    await page.waitForSelector('html[lang="en"]');
  }
}


/* how many operations the badge says are unread */
async function badge() {
  const text = await page.locator('nav [role="status"]').textContent();

  return Number(/\d+/.exec(text ?? '')?.[0] ?? 0);
}


/** @param {string} name @param {string} action fills the form and submits */
async function submit(name, action) {
  await go('#/services');
  await page.waitForSelector('form.control');
  await page.fill('form.control input[name="name"]', name);
  await page.check(`form.control input[value="${action}"]`, { force: true });
  await page.click('form.control button[type="submit"]');
  await page.waitForSelector('dialog[open]');
}


const confirm = () => page.click(
  'dialog .buttons .primary, dialog .buttons .danger');

/** @returns {Promise<string>} what the dialog says in the end */
async function outcome() {
  await page.waitForSelector('dialog .outcome .notice', { timeout: 30000 });

  return await page.locator('dialog .outcome .notice').textContent() ?? '';
}

const close = () => page.click('dialog .buttons .primary');


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


/* overview */

/** @param {string} key */
const line = (key) => page.locator(`[data-line="${key}"] .figures`).innerText();

quiet('the header lines have the form of top', async () => {
  await page.waitForFunction(() => document.querySelector(
    '[data-line="tasks"] .figures b'));

  for (const [key, words] of Object.entries({
    tasks: 'N total, N running, N sleeping, N stopped, N zombie',
    cpu: 'F us, F sy, F ni, F id, F wa, F hi, F si, F st',
    memory: 'N total, N free, N used, N buff/cache',
    swap: 'N total, N free, N used[.] N avail Mem',
  })) {
    assert.match(await line(key), new RegExp(`^${
      words.replaceAll('N', '\\d+').replaceAll('F', '\\d+[.]\\d')}$`));
  }
});


quiet('header lines and processes refresh every two seconds', async () => {
  /** @type {Record<string, number[]>} */
  const asked = { summary: [], process: [] };
  const note = (/** @type {import('playwright-core').Request} */ request) => {
    const name = /system\/(summary|process)/.exec(request.url())?.[1];

    if (name) {
      asked[name].push(Date.now());
    }
  };
  const time = () => page.getAttribute('.card.lines time', 'datetime');
  const first = await time();

  page.on('request', note);
  await page.waitForTimeout(9000);
  page.off('request', note);

  assert.notEqual(await time(), first);

  for (const [name, times] of Object.entries(asked)) {
    assert.ok(times.length >= 3 && times.length <= 5,
      `${name}: ${times.length} requests in 9 s`);
    times.slice(1).forEach((at, i) => assert.ok(at - times[i] >= 1950,
      `${name}: ${at - times[i]} ms between two requests`));
  }
});


quiet('pausing stops the requests, resuming asks at once', async () => {
  let asked = 0;
  const note = () => { asked++; };

  await page.click('.tools button[aria-pressed]');
  await page.waitForTimeout(500);
  page.on('request', note);
  await page.waitForTimeout(4500);
  assert.equal(asked, 0);
  await page.click('.tools button[aria-pressed]');
  await page.waitForTimeout(1000);
  page.off('request', note);
  assert.ok(asked > 0);
});


quiet('nothing is asked in a hidden tab', async () => {
  /** @param {string} state */
  const become = (state) => page.evaluate((s) => {
    Object.defineProperty(document, 'visibilityState',
      { value: s, configurable: true });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }, state);
  let asked = 0;
  const note = () => { asked++; };

  await become('hidden');
  await page.waitForTimeout(1000);
  page.on('request', note);
  await page.waitForTimeout(4500);
  assert.equal(asked, 0);
  await become('visible');
  await page.waitForTimeout(1000);
  page.off('request', note);
  assert.ok(asked > 0);
});


quiet('an answer\'s ETag goes with the next request', async () => {
  const answer = await page.waitForResponse((r) => (
    r.url().endsWith('system/summary') && r.status() === 200));
  const next = await page.waitForRequest((r) => (
    r.url().endsWith('system/summary')));

  assert.equal(await next.headerValue('if-none-match'),
    await answer.headerValue('etag'));
});


quiet('the ten largest processes are there, the largest first', async () => {
  await page.waitForSelector('[aria-labelledby="largest"] tbody tr');

  const rows = page.locator('[aria-labelledby="largest"] tbody tr');

  assert.equal(await rows.count(), 10);

  const shares = await rows.locator('td:nth-child(5)').allInnerTexts();
  const numbers = shares.map(Number);

  assert.deepEqual(numbers, [...numbers].sort((a, b) => b - a));
  assert.equal(await page.getAttribute(
    '[aria-labelledby="largest"] th:nth-child(5)', 'aria-sort'), 'descending');
});


quiet('the host facts are there', async () => {
  await page.waitForSelector('[data-fact="hostname"]');
  assert.equal(await page.locator('[data-fact="os_type"] dd').innerText(),
    'Linux');
  assert.ok(await page.locator('.facts [data-fact]').count() >= 10);
});


quiet('a fact that was not obtained shows its substitute', async () => {
  const path = '**/system/info';

  await page.route(path, async (route) => {
    const answer = await route.fetch({ headers: { ...route.request().headers(),
      'if-none-match': '' } });
    const info = await answer.json();

    info.virtualization = { is_exec: false, cmdret: 'permission denied',
      retopt: 'Unkown' };
    await route.fulfill({ response: answer, json: info });
  });
  await page.reload();

  const fact = page.locator('[data-fact="virtualization"] dd span');

  await fact.waitFor();
  assert.equal(await fact.innerText(), 'Unkown');
  assert.equal(await fact.getAttribute('title'), 'permission denied');
  await page.unroute(path);
});


quiet('rows do not move under the pointer', async () => {
  const path = '**/system/process?num=10';
  const rows = [1, 2, 3].map((pid) => ({ pid, name: `p${pid}`,
    username: 'root', cpu_percent: 0, memory_percent: pid,
    num_openfiles: null, num_threads: 1 }));
  let turn = 0;

  await page.route(path, (route) => {
    turn++;
    return route.fulfill({ json: rows.map((row) => ({ ...row,
      memory_percent: turn < 2 ? row.pid : 10 - row.pid })) });
  });
  await page.reload();

  const first = '[aria-labelledby="largest"] tbody tr:first-child';
  const names = () => page
    .locator('[aria-labelledby="largest"] tbody bdi.strong').allInnerTexts();

  await page.waitForSelector(first);
  assert.deepEqual(await names(), ['p3', 'p2', 'p1']);
  await page.hover(first);
  await page.waitForTimeout(4500);
  assert.ok(turn > 1);
  assert.deepEqual(await names(), ['p3', 'p2', 'p1']);
  await page.mouse.move(0, 0);
  await page.waitForTimeout(2500);
  assert.deepEqual(await names(), ['p1', 'p2', 'p3']);
  await page.unroute(path);
});


/* services */

quiet('listening services are shown with PID and program', async () => {
  await go('#/services');

  const row = page.locator('.sockets tbody tr',
    { hasText: `127.0.0.1:${port}` }).first();

  await row.waitFor();
  assert.match(await row.innerText(), /^tcp\s/);
  assert.match(await row.innerText(), /LISTEN/);
  assert.match(await row.innerText(), /\b\d+\/nginx/);
});


quiet('the search is made by the server', async () => {
  const asked = page.waitForRequest((r) => (
    /system\/services\?.*name=nginx/.test(r.url())));

  await page.fill('input[type="search"]', 'nginx');
  await asked;
  await page.waitForFunction(() => [...document.querySelectorAll(
    '.sockets tbody tr')].every((tr) => /nginx/.test(tr.textContent ?? '')));
  assert.ok(await page.locator('.sockets tbody tr').count() > 0);
  assert.match(page.url(), /#\/services\?.*q=nginx/);
});


quiet('a view comes back as it was after a reload', async () => {
  await page.reload();
  await page.waitForSelector('.sockets tbody tr');
  assert.equal(await page.inputValue('input[type="search"]'), 'nginx');
});


quiet('the form says what is missing', async () => {
  const error = page.locator('#form-error');

  await page.click('form.control button[type="submit"]');
  assert.equal(await error.innerText(), 'Fill in the service\'s full name.');
  await page.fill('form.control input[name="name"]', 'demo');
  await page.click('form.control button[type="submit"]');
  assert.match(await error.innerText(), /^Choose what is to be done/);
  await page.fill('form.control input[name="name"]', '-rf /');
  await page.click('form.control button[type="submit"]');
  assert.match(await error.innerText(), /does not begin with -/);
  assert.equal(await page.locator('dialog').count(), 0);
});


quiet('service and command together are refused with a sentence', async () => {
  await page.route('**/control/policy', async (route) => {
    const answer = await route.fetch({ headers: { ...route.request().headers(),
      'if-none-match': '' } });

    await route.fulfill({ response: answer,
      json: { ...await answer.json(), commands: [{ id: 'sample' }] } });
  });
  await page.route('**/control/commands', (route) => route.fulfill({ json: [
    { id: 'sample', command: 'sample now', example: 'sample now' }] }));
  await page.reload();
  await page.waitForSelector('input[name="command"]');
  await page.fill('form.control input[name="name"]', 'demo');
  await page.fill('form.control input[name="command"]', 'sample now');
  await page.click('form.control button[type="submit"]');
  assert.equal(await page.locator('#form-error').innerText(),
    'Fill in either a service or a command, not both.');
  await page.unroute('**/control/policy');
  await page.unroute('**/control/commands');
  await page.reload();
  await page.waitForSelector('form.control');
});


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


quiet('stop and start by the row\'s buttons', async () => {
  await go('#/services');

  const row = page.locator('.managed tbody tr', { hasText: 'demo' });

  await row.waitFor();

  for (const [verb, state] of [['Stop', 'inactive'], ['Start', 'active']]) {
    await row.getByRole('button',
      { name: `${verb} demo`, exact: true }).click();
    await page.waitForSelector('dialog[open]');
    await confirm();
    assert.match(await outcome(), /demo was (stopped|started)\./);
    await close();
    await row.locator('.state', { hasText: new RegExp(`^\\s*${state}`) })
      .waitFor({ timeout: 10000 });
  }
});


quiet('a service that is in the wanted state already: said so', async () => {
  await submit('demo', 'start');
  await confirm();
  assert.match(await outcome(), /It was so already/);
  await close();
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


/* operations that do not go straight; their answers are made here */

const sample = { op_id: '6a3c2f0e-1d2b-4c3d-8e4f-5a6b7c8d9e0f', host: 'h',
  logTime: '2026-01-01T00:00:00.000Z', logType: 'service_restart',
  target: 'demo', actor: 'admin', retopt: 'Unkown', logStatus: 'unread' };

quiet('an operation that takes long is followed to its end', async () => {
  let looks = 0;

  await page.route('**/control/services', (route) => (
    route.request().method() === 'POST' ? route.fulfill({ status: 202,
      json: { ...sample, retStatus: 'running', state: 'running' } })
      : route.fallback()));
  await page.route(`**/log/${sample.op_id}`, (route) => {
    looks++;

    return route.fulfill({ json: looks < 3
      ? { ...sample, retStatus: 'running', state: 'running' }
      : { ...sample, retStatus: 'failure', state: 'done', is_exec: false,
        code: 'exit_status', exit_code: 7, cmdret: 'cannot <b>open</b>',
        stderr: 'cannot <b>open</b>' } });
  });
  await submit('demo', 'restart');
  await confirm();
  await page.waitForSelector('dialog .doing');
  assert.match(await outcome(), /It failed\..*The program ended with an error/);
  assert.ok(looks >= 3);
  assert.match(await page.locator('dialog').innerText(),
    /Exit status\s+7[^]*cannot <b>open<\/b>/);
  await close();
  await page.unroute('**/control/services');
  await page.unroute(`**/log/${sample.op_id}`);
});


test('after a lost answer the same operation is asked for again', async () => {
  /** @type {string[]} */
  const keys = [];

  await page.route('**/control/services', async (route) => {
    if (route.request().method() !== 'POST') {
      return route.fallback();
    }

    keys.push(await route.request().headerValue('idempotency-key') ?? '');

    return keys.length === 1 ? route.abort() : route.fulfill({ json: {
      ...sample, retStatus: 'success', state: 'done', is_exec: true } });
  });
  await submit('demo', 'restart');
  await confirm();
  assert.match(await outcome(), /The answer was lost/);
  await page.getByRole('button', { name: 'Ask for the result' }).click();
  await page.waitForSelector('dialog .notice.ok');
  assert.equal(keys.length, 2);
  assert.match(keys[0],
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(keys[1], keys[0]);
  await close();
  await page.unroute('**/control/services');
});


quiet('without the database nothing is done, and that is said', async () => {
  await page.route('**/control/services', (route) => (
    route.request().method() === 'POST' ? route.fulfill({ status: 503,
      contentType: 'application/problem+json', json: { status: 503,
        code: 'database_unavailable', detail: 'no connection' } })
      : route.fallback()));
  await submit('demo', 'stop');
  await confirm();
  assert.match(await outcome(), /The database is away: .* nothing is executed/);
  await close();
  await page.unroute('**/control/services');
});


/* text from outside */

quiet('hostile names are shown as text', async () => {
  const title = '<img src=x onerror=alert(1)></script>\n\u202Egnp.txt';
  const child = spawn('perl', ['-MIO::Socket::INET', '-e', `
    my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1",
                                  LocalPort => 0) or die;
    $0 = shift;
    $| = 1;
    print $s->sockport, "\\n";
    sleep 120;`, title], { stdio: ['ignore', 'pipe', 'inherit'] });

  try {
    const [data] = await once(child.stdout, 'data');
    const its = String(data).trim();

    await go('#/services');
    await page.fill('input[type="search"]', 'onerror');

    const row = page.locator('.sockets tbody tr',
      { hasText: `127.0.0.1:${its}` });

    await row.waitFor({ timeout: 15000 });
    assert.match(await row.innerText(), /\/<img src=x/);
    assert.equal(await page.locator('main img, main script').count(), 0);
    assert.doesNotMatch(await page.locator('main').innerText(), /\u202e/);
    await page.fill('input[type="search"]', '');
  } finally {
    child.kill();
  }
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
  assert.equal(await page.locator('main img, main script').count(), 0);
  await page.unroute(path);
});


/* language, theme, access */

quiet('Chinese and English by the switch, kept over a reload', async () => {
  await go('#/overview');
  await page.click('.tools button[lang="zh"]');
  await page.waitForSelector('html[lang="zh-CN"]');
  await page.waitForSelector('text=系统任务情况');
  assert.match(await line('tasks'), /^\d+ total/);
  await page.reload();
  await page.waitForSelector('text=内存占用情况');
  await toEnglish();
  await page.waitForSelector('text=Largest processes');
});


quiet('the browser\'s language is the first choice', async () => {
  const other = await browse({ locale: 'zh-CN' });

  try {
    const seen = await watch(other.context, where.url);

    await seen.page.goto(where.url);
    await seen.page.waitForSelector('html[lang="zh-CN"]');
    await seen.page.waitForSelector('text=用户名');
    assert.deepEqual(seen.complaints, []);
  } finally {
    await other.close();
  }
});


/** @returns {Promise<string[]>} what axe finds */
async function violations() {
  /* through the debugger: the page's own CSP allows no such script */
  await page.evaluate(axe);

  const { violations: found } = await page.evaluate(
    () => /** @type {any} */ (window).axe.run());

  return found.map((/** @type {any} */ v) => `${v.id}: ${
    v.nodes.map((/** @type {any} */ n) => n.target.join(' ')).join(', ')}`);
}


for (const theme of ['light', 'dark']) {
  quiet(`axe finds nothing on any view, ${theme}`, async () => {
    await page.emulateMedia({ colorScheme: /** @type {any} */ (theme),
      reducedMotion: 'reduce' });

    for (const view of ['overview', 'services', 'log']) {
      await go(`#/${view}`);
      await page.waitForSelector(`main.${view} tbody tr`);
      assert.deepEqual(await violations(), [], view);
    }

    await page.locator('main.log td.actions button').first().click();
    await page.waitForSelector('.detail .events');
    assert.deepEqual(await violations(), [], 'log detail');

    await submit('demo', 'stop');
    assert.deepEqual(await violations(), [], 'dialog');
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });

    await page.setViewportSize({ width: 360, height: 740 });
    await go('#/overview');
    await page.waitForSelector('main.overview tbody tr');
    assert.deepEqual(await violations(), [], 'narrow');
    assert.ok(await page.evaluate(() => (
      document.documentElement.scrollWidth <= innerWidth)), 'fits 360 px');
    await page.setViewportSize({ width: 1400, height: 900 });
  });
}


quiet('the theme can be chosen against the system\'s', async () => {
  const background = () => page.evaluate(
    () => getComputedStyle(document.body).backgroundColor);

  await page.emulateMedia({ colorScheme: 'light' });

  const light = await background();

  await page.getByRole('button', { name: 'Theme: system' }).click();
  assert.equal(await background(), light);
  await page.getByRole('button', { name: 'Theme: light' }).click();
  assert.notEqual(await background(), light);
  await page.getByRole('button', { name: 'Theme: dark' }).click();
  assert.equal(await background(), light);
});


quiet('everything is reached by the keyboard', async () => {
  await go('#/services');
  await page.waitForSelector('form.control');
  await page.focus('form.control input[name="name"]');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('demo');
  await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await page.waitForSelector('dialog[open]');
  assert.equal(await page.evaluate(
    () => document.activeElement?.closest('dialog') !== null), true);
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
});


/* banners */

quiet('an instance without privilege says so', async () => {
  await page.route('**/control/policy', async (route) => {
    const answer = await route.fetch({ headers: { ...route.request().headers(),
      'if-none-match': '' } });
    const policy = await answer.json();

    policy.helper = { available: true, setuid: false, unprivileged: true,
      reason: null };
    await route.fulfill({ response: answer, json: policy });
  });
  await page.reload();
  await page.waitForSelector('.banners .notice.warn');
  assert.match(await page.textContent('.banners .notice.warn') ?? '',
    /without privilege/);
  await page.unroute('**/control/policy');
});


test('a server that went away is said, and found again', async () => {
  await page.goto(`${where.url}#/overview`);
  await page.reload();
  await page.waitForSelector('main.overview tbody tr');
  await browser.context.setOffline(true);
  await page.waitForSelector('.banners .notice.bad', { timeout: 10000 });
  assert.equal(await page.locator('main.overview tbody tr').count(), 10);
  await page.click('.banners button');      /* in vain */
  await page.waitForSelector('.banners .notice.bad');
  await browser.context.setOffline(false);
  await page.waitForSelector('.banners .notice.bad',
    { state: 'detached', timeout: 20000 });

  const time = await page.getAttribute('.card.lines time', 'datetime');

  await page.waitForFunction((t) => document.querySelector('.card.lines time')
    ?.getAttribute('datetime') !== t, time, { timeout: 10000 });
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


/* delivery */

/*
 * A front server that mounts the instance below a path, as an operator might:
 * the page must find everything by relative addresses.
 */
async function mount(prefix) {
  const { host, origin } = new URL(where.url);
  const server = http.createServer((req, res) => {
    if (!req.url?.startsWith(prefix)) {
      res.writeHead(404).end();
      return;
    }

    const headers = { ...req.headers, host };

    if (headers.origin) {
      headers.origin = origin;
    }

    const forward = http.request(new URL(req.url.slice(prefix.length - 1),
      where.url), { method: req.method, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
    });

    forward.on('error', () => res.destroy());
    req.pipe(forward);
  });

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return { url: `http://127.0.0.1:${server.address().port}${prefix}`,
    close: () => { server.closeAllConnections(); server.close(); } };
}


test('works below a mount path, and within 120 KB', async () => {
  const front = await mount('/ops/host7/');
  const other = await browse();

  try {
    const seen = await watch(other.context, front.url);
    let bytes = 0;

    seen.page.on('requestfinished', async (request) => {
      const sizes = await request.sizes().catch(() => null);

      bytes += sizes ? sizes.responseBodySize + sizes.responseHeadersSize : 0;
    });
    await login(seen.page, { ...where, url: front.url });
    await seen.page.waitForSelector('main.overview tbody tr');
    await seen.page.click('nav a[href="#/services"]');
    await seen.page.waitForSelector('.sockets tbody tr');
    assert.ok(seen.page.url().startsWith(front.url));
    assert.ok(bytes > 20000 && bytes <= 120 * 1024, `${bytes} bytes`);
    assert.deepEqual(seen.complaints, []);
  } finally {
    await other.close();
    front.close();
  }
});
