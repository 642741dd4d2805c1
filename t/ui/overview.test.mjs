/* The overview, and how the page polls */

import assert from 'node:assert/strict';

import { test } from 'node:test';

import { complaints, loggedIn, page, quiet } from './harness.mjs';


loggedIn();


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


/* events: where the server has them, nothing is asked for that they tell */

/** @returns {{ asked: () => number, off: () => void }} polls of the summary */
function countPolls() {
  let asked = 0;
  const note = (/** @type {import('playwright-core').Request} */ request) => {
    asked += /system\/summary$/.test(request.url()) ? 1 : 0;
  };

  page.on('request', note);

  return { asked: () => asked, off: () => page.off('request', note) };
}

const time = () => page.getAttribute('.card.lines time', 'datetime');

/** @param {number} times the summary on the screen changes so often */
async function changes(times) {
  for (let i = 0; i < times; i++) {
    const was = await time();

    await page.waitForFunction((t) => document.querySelector(
      '.card.lines time')?.getAttribute('datetime') !== t, was,
    { timeout: 30000 });
  }
}


quiet('what comes as events is not polled', async () => {
  await Promise.all([page.waitForResponse((r) => (
    r.url().endsWith('/events') && r.status() === 200)), page.reload()]);
  await page.waitForSelector('.card.lines time');
  await changes(2);

  const polls = countPolls();

  await changes(4);
  polls.off();
  assert.equal(polls.asked(), 0);
});


quiet('no events while paused, they come again', async () => {
  const closed = page.waitForEvent('requestfailed',
    (r) => r.url().endsWith('/events'));

  await page.click('.tools button[aria-pressed]');
  await closed;

  const opened = page.waitForRequest((r) => r.url().endsWith('/events'));

  await page.click('.tools button[aria-pressed]');
  await opened;
  await changes(2);
});


test('events that fail give way to polling', async () => {
  await page.route('**/events', (route) => route.abort());
  await page.reload();
  await page.waitForSelector('.card.lines time');

  const polls = countPolls();

  await changes(3);
  polls.off();
  assert.ok(polls.asked() >= 2);
  complaints.length = 0;
});


/* polling, from here on: that server tells nothing by itself */

quiet('header lines and processes refresh every two seconds', async () => {
  /** @type {Record<string, number[]>} */
  const asked = { summary: [], process: [] };
  const note = (/** @type {import('playwright-core').Request} */ request) => {
    const name = /system\/(summary|process)/.exec(request.url())?.[1];

    if (name) {
      asked[name].push(Date.now());
    }
  };
  await page.unroute('**/events');
  await page.route('**/events', (route) => route.fulfill({ status: 404 }));
  await page.reload();
  await page.waitForSelector('.card.lines time');
  await page.waitForTimeout(2000);

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

  await rows.nth(9).waitFor();
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


quiet('nor while a dialog is open', async () => {
  const path = '**/system/process?num=10';
  const names = () => page
    .locator('[aria-labelledby="largest"] tbody bdi.strong').allInnerTexts();
  let turn = 0;

  await page.route(path, (route) => {
    turn++;
    return route.fulfill({ json: [1, 2].map((pid) => ({ pid,
      name: `p${pid}`, username: 'root', cpu_percent: 0,
      memory_percent: turn < 2 ? pid : 10 - pid, num_openfiles: null,
      num_threads: 1 })) });
  });
  await page.reload();
  await page.waitForSelector('[aria-labelledby="largest"] tbody tr');
  assert.deepEqual(await names(), ['p2', 'p1']);
  await page.keyboard.press('?');
  await page.waitForSelector('dialog[open]');

  const seen = turn;

  for (let i = 0; turn < seen + 2 && i < 300; i++) {
    await page.waitForTimeout(100);
  }

  assert.deepEqual(await names(), ['p2', 'p1']);
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.querySelector(
    '[aria-labelledby="largest"] tbody bdi.strong')?.textContent === 'p1',
  null, { timeout: 30000 });
  await page.unroute(path);
});


quiet('disks, network, users and schedule have cards, as the host is', async () => {
  const rows = (/** @type {string} */ id) => page.locator(
    `[aria-labelledby="${id}"] tbody tr`);

  await page.reload();

  for (const [id, path, part] of [['disks', 'disk', 'partitions'],
    ['network', 'network/io?pernic=true', ''], ['users', 'users', ''],
    ['schedule', 'schedule', '']]) {
    await page.waitForSelector(`[aria-labelledby="${id}"]`,
      { timeout: 30000 });

    const [data, shown] = [await page.evaluate((p) => fetch(p)
      .then((r) => r.json()), `system/${path}`), await rows(id).count()];

    assert.equal(shown, Object.keys(part ? data[part] : data).length, id);
  }

  await rows('network').filter({ hasText: '127.0.0.1' }).first().waitFor();
});


quiet('sensors stand there where there are any, the hot one marked', async () => {
  await page.route('**/system/sensors', (route) => route.fulfill({ json: {
    temperatures: { chip: [{ label: 'core <b>1</b>', current: 99, high: 80,
      critical: 90 }] }, fans: {}, battery: { percent: 71, secsleft: 3600 } } }));
  await page.reload();

  const row = page.locator('[aria-labelledby="sensors"] tbody tr');

  await row.waitFor();
  assert.match(await row.innerText(), /core <b>1<\/b>[^]*99 °C[^]*80/);
  assert.equal(await row.locator('.error').count(), 1);
  assert.match(await page.innerText('[aria-labelledby="sensors"] .head'), /71/);
  await page.unroute('**/system/sensors');
});


quiet('local times, UTC on hover', async () => {
  const time = page.locator('.card.lines time');
  const at = new Date(await time.getAttribute('datetime') ?? '');

  assert.equal(Number.isNaN(at.getTime()), false);
  assert.match(await time.getAttribute('title') ?? '',
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC$/);

  const [told, local] = await time.evaluate((node) => [node.textContent,
    new Date(node.getAttribute('datetime') ?? '').toTimeString().slice(0, 8)]);

  assert.match(told ?? '', new RegExp(`\\b${local}\\b`));
});


quiet('the interval is chosen, and kept', async () => {
  const choose = async (/** @type {string} */ ms) => {
    await page.click('.tools .account');
    await page.selectOption('#account select', ms);
    await page.keyboard.press('Escape');
  };

  await choose('5000');
  await page.reload();
  await page.waitForSelector('.card.lines time');
  await page.waitForResponse((r) => r.url().endsWith('system/summary'));

  const from = Date.now();

  await page.waitForRequest((r) => r.url().endsWith('system/summary'),
    { timeout: 60000 });
  assert.ok(Date.now() - from > 4500, `${Date.now() - from} ms`);
  await page.click('.tools .account');
  assert.equal(await page.inputValue('#account select'), '5000');
  await page.keyboard.press('Escape');
  await choose('2000');
});


quiet('failed units stand in a card of their own', async () => {
  const units = [{ name: '<img src=x onerror=alert(4)>.service',
    description: 'Broken\u202e', load_state: 'loaded', active_state: 'failed',
    sub_state: 'failed' }, { name: 'fine.service', description: 'Fine',
    load_state: 'loaded', active_state: 'active', sub_state: 'running' }];

  await page.route('**/system/units', (route) => route.fulfill(
    { json: units }));
  await page.reload();

  const card = page.locator('[aria-labelledby="units"]');

  await card.waitFor();
  assert.match(await card.innerText(),
    /Failed units\s+1 of 2[^]*<img src=x onerror[^]*failed/);
  assert.doesNotMatch(await card.innerText(), /fine\.service|\u202e/);
  assert.equal(await page.locator('main img').count(), 0);
  await page.unroute('**/system/units');
});


quiet('the charts begin with what the server remembers', async () => {
  const at = Date.now();
  const history = Array.from({ length: 300 }, (_, i) => ({ seq: i + 1,
    time: new Date(at - (300 - i) * 1000).toISOString(),
    cpu: { id: 40 }, memory: { total: 100, used_available: 50 },
    swap: { total: 0, used: 0 }, load: [1, 1, 1],
    network: { rx_bytes_per_s: 1000, tx_bytes_per_s: 2000 } }));

  await page.route('**/system/history*', (route) => route.fulfill(
    { json: { history, next: 300 } }));

  const asked = page.waitForRequest((r) => /system\/history/.test(r.url()));

  await page.reload();
  assert.match((await asked).url(), /since=0/);

  /* where the line of the last minutes is drawn: left of the middle, too */
  await page.waitForFunction(() => {
    const canvas = document.querySelector('.chart canvas');
    const { width = 0, height = 0 } = canvas ?? {};
    const data = width > 0 && canvas?.getContext('2d')
      ?.getImageData(Math.floor(width * .4), 0, 4, height).data;

    return data && data.some((v, i) => i % 4 === 2 && v > data[i - 2] + 60);
  });
  await page.unroute('**/system/history*');
});
