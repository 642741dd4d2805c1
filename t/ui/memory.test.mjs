/* Memory: watches, sums, the parts of a process, measured runs */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before } from 'node:test';

import { close, confirm, go, loggedIn, outcome, page, quiet, violations }
  from './harness.mjs';


const LONG = { timeout: 30000 };
const NASTY = '<img src=x onerror=alert(3)></script>\u202e\n';

/* the kernel keeps 15 characters of a name.  It takes so many MiB as a line
   of its input says */
const name = `ui-mem-${process.pid}`;
/** @type {import('node:child_process').ChildProcess} */
let child;

loggedIn();

before(async () => {
  child = spawn('/usr/bin/perl', ['-e', `
    $0 = shift; $| = 1; my @kept; print "ready\\n";
    while (<STDIN>) { push @kept, "x" x 1048576 for 1 .. $_; print "more\\n"; }
  `, name], { stdio: ['pipe', 'pipe', 'inherit'],
    uid: process.getuid?.() || 1000, cwd: '/' });
  await once(/** @type {any} */ (child.stdout), 'data');
});

after(() => child.kill('SIGKILL'));


/** @param {number} mib */
async function grow(mib) {
  child.stdin?.write(`${mib}\n`);
  await once(/** @type {any} */ (child.stdout), 'data');
}

const card = () => page.locator('.watch', { hasText: name });

async function send() {
  await page.click('dialog [type="submit"]');
  await page.waitForSelector('dialog', { state: 'detached', ...LONG });
}

/** @param {string} key @returns {Promise<string>} one of a card's figures */
const figure = async (key) => (await card().locator('.effect > div',
  { hasText: key }).first().locator('dd').textContent() ?? '').trim();


/* the parts of one process */

quiet('the parts of a process sum up to what it has', async () => {
  await go(`#/memory?pid=${child.pid}`);
  await page.waitForSelector('.segments tbody tr', LONG);

  const sums = await page.evaluate(async (pid) => {
    const m = await (await fetch(`memory/${pid}`)).json();
    const sum = (key) => Object.values(m.segments).reduce(
      (n, s) => n + s[key], 0);

    return [['rss', 'pss', 'uss', 'swap'].map((key) => (
      sum(key) === m.totals[key])), m.totals.physical_plus_swap
        === m.totals.rss + m.totals.swap];
  }, child.pid);

  assert.deepEqual(sums, [[true, true, true, true], true]);

  const parts = await page.locator('.segments tbody tr').allInnerTexts();

  assert.equal(parts.length, 8);
  assert.match(parts.join('\n'), /heap\s[^]*MiB/);
  assert.match(await page.innerText('.segments .foot'), /counted twice/);

  /* the bar has one piece for each, in the chosen measure */
  assert.equal(await page.locator('.segments .meter i').count(), 8);
  await page.selectOption('.segments select >> nth=0', 'uss');
  assert.match(await page.getAttribute('.segments .meter',
    'aria-label') ?? '', /^USS: .*heap \d/);
});


quiet('the drawer shows the parts, too, and begins a watch', async () => {
  await go(`#/processes?q=${name}&pid=${child.pid}`);
  await page.waitForSelector('.drawer .group', LONG);
  await page.click('.drawer summary:has-text("Memory by kind")');
  await page.waitForSelector('.drawer .segments tbody tr', LONG);
  await page.getByRole('button', { name: 'Watch memory' }).click();
  assert.match(await page.innerText('dialog h2'),
    new RegExp(`${name} \\(${child.pid}\\)`));
  assert.equal(await page.locator('dialog input[name="target"]').count(), 0);
  await page.fill('dialog input[name="interval"]', '10');
  await page.click('dialog [type="submit"]');

  /* refused by the browser: it is below the least */
  assert.equal(await page.locator('dialog :invalid:not(form)').count(), 1);
  await page.fill('dialog input[name="interval"]', '100');
  await page.fill('dialog input[name="thresholds"]', '20, 500');
  await send();
  await card().waitFor(LONG);
  assert.match(page.url(), /#\/memory/);
});


/* watches */

quiet('a watch draws its course, and tells of growth', async () => {
  await card().locator('canvas').waitFor(LONG);
  assert.match(await card().innerText(), /running/);
  assert.match(await figure('Thresholds'), /20\.0 MiB, 500 MiB/);

  const first = Number((await figure('Samples')).replace(/\D/g, ''));

  await grow(40);
  await page.waitForFunction(([n, seen]) => {
    const watch = [...document.querySelectorAll('.watch')].find(
      (c) => c.textContent?.includes(String(n)));
    const row = watch?.querySelector('tbody tr')?.textContent ?? '';
    const samples = /Samples([\d,]+)/.exec(watch?.textContent ?? '')?.[1];

    return Number(samples?.replaceAll(',', '')) > Number(seen)
      && /^physical.*\+4\d\.\d MiB$/.test(row);
  }, [name, first], LONG);

  /* the line that was crossed is said */
  await card().locator('.pill.bad', { hasText: '20.0 MiB' }).waitFor(LONG);
});


quiet('its samples come page by page, each asked for once', async () => {
  const asked = await page.waitForRequest((r) => (
    /watches\/[^/]+\/history\?.*since=/.test(r.url())), LONG);
  const answer = await (await asked.response())?.json();

  assert.ok(answer.history.length < 1000);
});


quiet('the same target twice is refused in a sentence', async () => {
  await page.getByRole('button', { name: 'New watch' }).click();
  await page.selectOption('dialog select[name="kind"]', 'pid');
  await page.fill('dialog input[name="target"]', String(child.pid));
  await page.click('dialog [type="submit"]');
  await page.waitForSelector('dialog .notice.bad', LONG);
  assert.match(await page.innerText('dialog .notice.bad'), /already/);
  await page.fill('dialog input[name="target"]', '4194304');
  await page.click('dialog [type="submit"]');
  await page.waitForFunction(() => /no such process/i.test(
    document.querySelector('dialog .notice.bad')?.textContent ?? ''), null,
  LONG);
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
});


quiet('a command for alerts is offered as the server takes it', async () => {
  const mine = page.locator('.watch', { hasText: `(${process.pid})` });

  await page.getByRole('button', { name: 'New watch' }).click();
  await page.fill('dialog input[name="target"]', String(process.pid));

  const words = await page.locator('#alerts option').first()
    .getAttribute('value') ?? '';

  await page.fill('dialog input[name="alert"]', words);
  await send();
  await mine.locator('.effect dd', { hasText: words }).waitFor(LONG);
  await mine.getByRole('button', { name: 'Delete' }).click();
  await send();
  await mine.waitFor({ state: 'detached', ...LONG });
});


quiet('limits are changed, the watch stopped, started, deleted', async () => {
  await card().getByRole('button', { name: 'Limits' }).click();
  await page.fill('dialog input[name="thresholds"]', '300');
  await send();
  await page.waitForFunction((n) => /Thresholds\s*300 MiB/.test(
    [...document.querySelectorAll('.watch')].find(
      (c) => c.textContent?.includes(n))?.textContent ?? ''), name, LONG);

  await card().getByRole('button', { name: 'Stop' }).click();
  assert.match(await page.innerText('dialog'), new RegExp(name));
  await send();
  await card().locator('.pill.off', { hasText: 'stopped' }).waitFor(LONG);
  await card().getByRole('button', { name: 'Start' }).click();
  await send();
  await card().locator('.pill.run', { hasText: 'running' }).waitFor(LONG);
  await card().getByRole('button', { name: 'Delete' }).click();
  assert.match(await page.innerText('dialog'), /process itself is not/);
  await send();
  await card().waitFor({ state: 'detached', ...LONG });
});


quiet('a crossed threshold and the summary are in the log', async () => {
  await go('#/log?type=memory_alert');
  await page.locator('main.log tbody tr', { hasText: name }).first()
    .waitFor(LONG);
  await go('#/log?type=memory_watch');
  await page.locator('main.log tbody tr', { hasText: name }).first()
    .waitFor(LONG);
});


quiet('hostile names of targets are shown as text', async () => {
  const stats = { virtual_size: 1, physical_size: 1048576, shared_size: 1,
    virtual_mb: 1, physical_mb: 1, shared_mb: 1,
    timestamp: '2026-01-01T00:00:00.000Z' };
  const paths = [/memory\/watches$/, /memory\/watches\/x\/history/,
    /memory\/groups/];

  await page.route(paths[0], (route) => route.fulfill({ json: [{ id: 'x',
    is_running: true, state: 'running', target: { name: NASTY }, pid: 1,
    config: { interval_ms: 100, history_size: 10, thresholds_mb: [],
      growth_mb_per_min: null, on_alert: NASTY }, initial: stats,
    current: stats, max: stats, average: stats, growth: null,
    slope_mb_per_min: null, eta_to_threshold_s: null, samples: 1, missed: 0,
    actor: NASTY, above_mb: [] }] }));
  await page.route(paths[1], (route) => route.fulfill({ json: {
    history: [stats], next: '1' } }));
  await page.route(paths[2], (route) => route.fulfill({ json: [
    { user: NASTY, processes: 1, rss: 1, pss: 1, uss: 1, swap: 0 }] }));
  await go('#/memory');
  await page.locator('.watch h2', { hasText: 'onerror' }).waitFor();
  await page.locator('.groups tbody tr', { hasText: 'onerror' }).waitFor();
  assert.equal(await page.locator('main img, main script').count(), 0);
  assert.doesNotMatch(await page.locator('main').innerText(), /\u202e/);
  assert.deepEqual(await violations(), []);
  await Promise.all(paths.map((path) => page.unroute(path)));
});


/* sums, measured runs */

quiet('sums by user, by unit and by name', async () => {
  await go('#/memory');

  for (const [by, what] of [['user', 'root'], ['name', 'postgres'],
    ['unit', '']]) {
    await page.selectOption('[aria-labelledby="groups"] .head select', by);
    await page.locator('.groups tbody tr', { hasText: what }).first()
      .waitFor(LONG);
    assert.match(page.url(), new RegExp(`by=${by}`));
  }
});


quiet('an allowed command is run and measured, with its series', async () => {
  await go('#/memory');
  await page.waitForSelector('#measured option', { ...LONG,
    state: 'attached' });
  await page.fill('input[name="run"]', 'procmgr-demo work 48');
  await page.click('.runs [type="submit"]');
  await confirm();
  assert.match(await outcome(), /The command ran\./);
  await close();

  const runs = page.locator('[aria-labelledby="runs"]');

  await runs.locator('.chart canvas').waitFor(LONG);
  assert.match(await runs.innerText(),
    /procmgr-demo work 48[^]*Elapsed[^]*largest \/ average[^]*Host memory/);
});
