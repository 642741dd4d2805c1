/* The processes: the table of all, its filters, the drawer, signals */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before } from 'node:test';

import { act, browser, close, confirm, go, loggedIn, outcome, page, quiet,
  where } from './harness.mjs';
import { watch, words } from './lib.mjs';


/* a process of ours, with a name that is nobody else's */
const name = `procmgr-ui-${process.pid}`;
/** @type {import('node:child_process').ChildProcess} */
let child;

loggedIn();

/* of a plain user, whom the bundled policy allows to be signalled */
const uid = process.getuid?.() || 1000;

async function start() {
  child = spawn('/usr/bin/perl', ['-MIO::Socket::INET', '-e', `
    my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")
        or die;
    open my $f, "<", "/etc/passwd" or die;
    $0 = shift; $| = 1; print "x"; sleep 600;`, name],
  { stdio: ['ignore', 'pipe', 'inherit'], uid, cwd: '/' });
  await once(/** @type {any} */ (child.stdout), 'data');
}

before(start);

after(() => child.kill('SIGKILL'));


const rows = '.processes tbody:not([aria-hidden]) tr';
const heads = () => page.locator('.processes th').allInnerTexts();

/** @param {string} params */
async function open(params = '') {
  await go(`#/processes${params}`);
  await page.waitForSelector(rows);
}


quiet('all processes are in the table, few of them in the document', async () => {
  await open();

  const count = Number(/\d+/.exec((await page.innerText(
    '.processes .head .aside')).replaceAll(',', ''))?.[0]);
  const told = await page.getAttribute('.processes table', 'aria-rowcount');

  assert.ok(count > 20);
  assert.ok(Math.abs(Number(told) - 1 - count) < 20);
  assert.ok(await page.locator(rows).count() < 80);
});


quiet('scrolling shows the last of them', async () => {
  await page.evaluate(() => {
    const box = /** @type {Element} */ (document.querySelector('.window'));

    box.scrollTop = box.scrollHeight;
  });
  await page.waitForFunction(() => {
    const last = [...document.querySelectorAll(
      '.window tbody:not([aria-hidden]) tr')].at(-1);

    return last?.getAttribute('aria-rowindex') === last?.closest('table')
      ?.getAttribute('aria-rowcount');
  });
  await page.evaluate(() => {
    /** @type {Element} */ (document.querySelector('.window')).scrollTop = 0;
  });
});


quiet('a click on a head sorts, the address keeps it', async () => {
  await page.click('.processes th:has-text("PID") button');
  await page.waitForFunction(() => {
    const pids = [...document.querySelectorAll(
      '.window tbody:not([aria-hidden]) td:first-child')]
      .map((td) => Number(td.textContent));

    return pids.length > 5 && pids.every((p, i) => i === 0 || p > pids[i - 1]);
  });
  assert.match(page.url(), /sort=pid/);
});


quiet('a row passes its elements on, but never the focus', async () => {
  const first = '.window tbody:not([aria-hidden]) tr:first-child';
  const down = () => page.waitForFunction(() => {
    const pids = [...document.querySelectorAll(
      '.window tbody:not([aria-hidden]) td:first-child')]
      .map((td) => Number(td.textContent));

    return pids.length > 5 && pids.every((p, i) => i === 0 || p < pids[i - 1]);
  });

  for (const focused of [false, true]) {
    await open('?sort=pid');
    await page.waitForSelector(`${first} [data-pid="1"]`);

    const one = await page.locator(first).elementHandle();
    const button = await page.locator('[data-pid="1"]').elementHandle();

    if (focused) {
      await button?.focus();
    }

    await go('#/processes?sort=-pid');
    await down();
    assert.equal(await page.evaluate(() => document.activeElement
      ?.getAttribute('data-pid') ?? '1'), '1');

    if (!focused) {
      assert.ok(await one?.evaluate((tr) => tr.isConnected));
    }
  }

  await open('?sort=pid');
});


quiet('the columns that are there at first', async () => {
  const en = words('en');

  assert.deepEqual((await heads()).map((h) => h.replace(/[▲▼]/, '').trim()
    .toLowerCase()), ['pid', 'name', 'username', 'cpu_percent',
    'memory_percent', 'rss', 'vms', 'shared', 'num_threads', 'num_fds',
    'status'].map((f) => en[`field.${f}`].toLowerCase()));
});


quiet('columns are chosen, and stay so after a reload', async () => {
  assert.ok((await heads()).some((h) => /Threads/.test(h)));
  await page.click('button[popovertarget="columns"]');
  await page.uncheck('#columns label:has-text("Threads") input');
  await page.keyboard.press('Escape');
  assert.ok(!(await heads()).some((h) => /Threads/.test(h)));
  await page.reload();
  await page.waitForSelector(rows);
  assert.ok(!(await heads()).some((h) => /Threads/.test(h)));
  await page.click('button[popovertarget="columns"]');
  await page.click('#columns > button');
  await page.keyboard.press('Escape');
  assert.ok((await heads()).some((h) => /Threads/.test(h)));
});


quiet('the search finds one by its name', async () => {
  await page.fill('input[name="q"]', name);
  await page.waitForFunction((n) => {
    const found = [...document.querySelectorAll('.window [data-pid]')];

    return found.length === 1 && found[0].getAttribute('data-pid') === n;
  }, String(child.pid), { timeout: 10000 });
  assert.match(page.url(), /q=procmgr-ui-/);
});


quiet('an address shows another the same view', async () => {
  await go(`#/processes?q=${name}&sort=-pid&status=sleeping&pid=${child.pid}`);
  await page.waitForSelector('.drawer .facts-list');

  const second = await watch(browser.context, where.url);

  try {
    await second.page.goto(page.url());
    await second.page.waitForSelector('.drawer .facts-list');
    await second.page.waitForSelector(`tr.chosen [data-pid="${child.pid}"]`);
    assert.equal(await second.page.inputValue('input[name="q"]'), name);
    assert.equal(await second.page.inputValue('.filters select >> nth=1'),
      'sleeping');
    assert.equal(await second.page.getAttribute('.processes th >> nth=0',
      'aria-sort'), 'descending');
    assert.deepEqual(second.complaints, []);
  } finally {
    await second.page.close();
    await page.bringToFront();
  }

  await page.keyboard.press('Escape');
  await open(`?q=${name}`);
});


quiet('rows are narrowed by user and by state', async () => {
  /** @param {number} nth of the selects @param {string} value */
  const all = async (nth, value) => {
    const wish = `${['user', 'status'][nth]}=${value}`;
    const [answer] = await Promise.all([
      page.waitForResponse((r) => r.url().includes(wish)
        && r.status() === 200, { timeout: 30000 }),
      page.selectOption(`.filters select >> nth=${nth}`, value)]);

    assert.ok(page.url().includes(wish));

    return await answer.json();
  };

  await open();
  await page.locator('.filters option', { hasText: /^root$/ })
    .waitFor({ state: 'attached' });

  const root = await all(0, 'root');

  assert.ok(root.length > 0);
  await page.selectOption('.filters select >> nth=0', '');

  const asleep = await all(1, 'sleeping');

  assert.ok(asleep.length > 0);
  await page.waitForFunction((n) => document.querySelectorAll(
    '.window .state').length >= Math.min(n, 5), asleep.length);
  assert.equal(new Set(await page.locator('.window .state').allInnerTexts())
    .size, 1);
  await page.selectOption('.filters select >> nth=1', '');
  await open(`?q=${name}`);
  await page.waitForSelector(`[data-pid="${child.pid}"]`);
});


quiet('its name opens the drawer, Escape closes it', async () => {
  await page.click(`[data-pid="${child.pid}"]`);
  await page.waitForSelector('.drawer .facts-list');
  assert.match(await page.innerText('.drawer h2'),
    new RegExp(`\\b${child.pid}$`));
  assert.match(page.url(), new RegExp(`pid=${child.pid}`));
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'drawer');
  await page.keyboard.press('Escape');
  await page.waitForSelector('.drawer', { state: 'detached' });
  assert.equal(await page.evaluate(
    () => document.activeElement?.getAttribute('data-pid')),
  String(child.pid));
});


quiet('the arrows go from row to row', async () => {
  const at = () => page.evaluate(() => Number(document.activeElement
    ?.closest('tr')?.getAttribute('aria-rowindex')));

  await open();
  await page.waitForFunction(() => document.querySelectorAll(
    '.window [data-pid]').length > 5);
  await page.waitForTimeout(500);
  await page.focus('.window tbody [data-pid]');

  const first = await at();

  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  assert.equal(await at(), first + 2);
  await page.keyboard.press('ArrowUp');
  assert.equal(await at(), first + 1);
});


/* a long table: the answers are made here */

const LONG = { timeout: 30000 };
const LIST = /system\/process\/info\?fields=identity%2Cpid%2Cname/;

/** @param {string} name @param {() => Promise<void>} body */
const long = (name, body) => quiet(name, async () => {
  const all = Array.from({ length: 5000 }, (_, i) => ({ pid: i + 1,
    identity: `boot-${i + 1}-1`, name: `one-${i + 1}`, username: 'root',
    cpu_percent: 0, memory_percent: 0, status: 'sleeping' }));

  await page.route(LIST, (route) => route.fulfill({ json: all }));

  try {
    await body();
  } finally {
    await page.unroute(LIST);
  }
});

/** the focused row, or that of a pid: its place, whether all of it is seen
 * @param {number} [pid] */
const place = (pid) => page.evaluate((p) => {
  const row = (p ? document.querySelector(`[data-pid="${p}"]`)
    : document.activeElement)?.closest('tr');
  const box = row?.closest('.window')?.getBoundingClientRect();
  const head = row?.closest('table')?.querySelector('thead')
    ?.getBoundingClientRect();
  const here = row?.getBoundingClientRect();

  return { at: Number(row?.getAttribute('aria-rowindex')) - 1,
    seen: Boolean(here && box && head && here.top >= head.bottom - 1
      && here.bottom <= box.bottom + 1) };
}, pid);

/** @param {number} at @param {string} key */
async function leadsTo(at, key) {
  await page.keyboard.press(key);
  await page.waitForFunction((n) => document.activeElement?.closest('tr')
    ?.getAttribute('aria-rowindex') === String(n + 1), at, LONG);
  assert.deepEqual(await place(), { at, seen: true }, key);
}


long('keys turn the pages of a window, the focus goes with them', async () => {
  await open('?sort=pid');
  await page.reload();
  await page.waitForSelector('[data-pid="5"]');
  await page.focus('[data-pid="1"]');
  await page.keyboard.press('PageDown');
  await page.waitForFunction(() => Number(document.activeElement
    ?.getAttribute('data-pid')) > 5);

  const { at, seen } = await place();

  assert.ok(seen);
  await leadsTo(2 * at - 1, 'PageDown');
  await leadsTo(2 * at, 'ArrowDown');
  await leadsTo(at + 1, 'PageUp');
  await leadsTo(5000, 'End');
  await leadsTo(4999, 'ArrowUp');
  await leadsTo(1, 'Home');

  /* to a row that is behind the head */
  await leadsTo(5000, 'End');

  for (let i = 4999; i > 4960; i--) {
    await leadsTo(i, 'ArrowUp');
  }
});


long('the chosen row of an address is in sight, the view left as it was', async () => {
  await open('?sort=pid&pid=4000');
  await page.reload();
  await page.waitForSelector('[data-pid="4000"][aria-expanded="true"]', LONG);
  assert.deepEqual(await place(4000), { at: 4000, seen: true });

  /* once: it may be scrolled away, and its drawer closed then */
  await page.evaluate(() => {
    /** @type {Element} */ (document.querySelector('.window')).scrollTop = 0;
  });
  await page.waitForSelector('[data-pid="1"]');
  await page.waitForTimeout(2500);
  assert.deepEqual(await place(1), { at: 1, seen: true });
  await page.focus('#drawer');
  await page.keyboard.press('Escape');
  await page.waitForSelector('.drawer', { state: 'detached' });
  assert.ok(await page.evaluate(() => document.activeElement
    ?.matches('.window')));

  const there = () => page.waitForFunction(() => {
    const box = document.querySelector('.window');
    const top = box?.getBoundingClientRect().top ?? 0;
    const row = document.elementFromPoint(300, top + 200)?.closest('tr');

    return box?.scrollTop === 9000
      && Number(row?.getAttribute('aria-rowindex')) > 200;
  }, null, LONG);

  await page.evaluate(() => {
    /** @type {Element} */ (document.querySelector('.window')).scrollTop = 9000;
  });
  await there();
  await go('#/log');
  await page.waitForSelector('main.log tbody tr');
  await go('#/processes?sort=pid');
  await there();
});


/* whether this server filters and knows trees */
const rich = () => page.locator('input[name="filter"]').count();

quiet('the filter language is evaluated by the server', async () => {
  await open();

  if (!await rich()) {
    return;
  }

  await page.fill('input[name="filter"]', `name ~ ${name} and pid > 1`);
  await page.waitForFunction(() => document.querySelectorAll(
    '.window [data-pid]').length === 1, null, { timeout: 10000 });
  assert.match(page.url(), /filter=name/);
  await page.fill('input[name="filter"]', 'pid >');
  await page.waitForSelector('.processes .notice.bad');
  assert.match(await page.innerText('.processes .notice.bad'), /position/);
  assert.doesNotMatch(await page.innerText('main.processes'), /Loading/);
  await page.click('button[popovertarget="filter-help"]');
  await page.click('#filter-help li button >> nth=1');
  await page.waitForSelector('.processes .notice.bad', { state: 'detached' });
  await page.keyboard.press('Escape');
  await page.fill('input[name="filter"]', '');
});


quiet('the tree shows a hit below its ancestors', async () => {
  await open(`?q=${name}&tree=1`);

  if (!await rich()) {
    return;
  }

  await page.waitForSelector(`[data-pid="${child.pid}"]`);

  const pids = await page.locator('.window [data-pid]').evaluateAll(
    (all) => all.map((b) => Number(b.getAttribute('data-pid'))));

  assert.equal(pids.at(-1), child.pid);
  assert.ok(pids.includes(process.pid));
  assert.ok(await page.locator('.window tr.dim').count() >= 1);
});


quiet('columns that a list reads on demand can be chosen', async () => {
  await open();

  if (!await rich()) {
    return;
  }

  await page.click('button[popovertarget="columns"]');

  for (const box of await page.locator('#columns input:enabled').all()) {
    await box.check();
  }

  await page.keyboard.press('Escape');
  await page.fill('input[name="q"]', name);
  await page.waitForFunction((n) => document.querySelectorAll(
    '.window [data-pid]').length === 1 && document.querySelector(
    '.window tbody:not([aria-hidden])')?.textContent?.includes(n),
  '/usr/bin/perl', { timeout: 15000 });
  assert.equal(await page.locator('.processes .notice').count(), 0);
  await page.click('button[popovertarget="columns"]');
  await page.click('#columns > button');
  await page.keyboard.press('Escape');
});


quiet('the drawer shows every field, groups open', async () => {
  /** @type {string[]} */
  const asked = [];
  const note = (/** @type {import('playwright-core').Request} */ request) => (
    asked.push(request.url()));

  page.on('request', note);
  await open(`?q=${name}&pid=${child.pid}`);
  await page.waitForSelector('.drawer .group');
  page.off('request', note);

  /* values of an environment are for who opens them: each look is logged */
  assert.ok(asked.some((url) => /memory_maps/.test(url)));
  assert.ok(!asked.some((url) => /environ|simple=false/.test(url)));

  const text = await page.locator('.drawer').innerText();

  assert.match(text, new RegExp(`Command line\\s+${name}`));
  assert.match(text, /Program\s+\/usr\/bin\/perl/);
  assert.match(text, /State\s+sleeping/);

  const en = words('en');

  for (const [group, what] of [['threads', String(child.pid)],
    ['open_files', '/etc/passwd'], ['connections', 'LISTEN'],
    ['memory_maps', 'perl'], ['environ', 'PATH']]) {
    await page.click(`.drawer summary:has-text("${en[`group.${group}`]}")`);
    await page.locator('.drawer .group[open]', { hasText: what }).first()
      .waitFor();
  }
});


quiet('a hostile name and command line are shown as text', async () => {
  const nasty = spawn('/usr/bin/perl', ['-e',
    '$0 = shift; $| = 1; print "x"; sleep 600',
    '<b>\u202eevil\n</b> <img src=x onerror=alert(7)></script>'],
  { stdio: ['ignore', 'pipe', 'inherit'], uid, cwd: '/' });

  try {
    await once(/** @type {any} */ (nasty.stdout), 'data');
    await open(`?filter=pid = ${nasty.pid}&pid=${nasty.pid}`);
    await page.waitForSelector(`[data-pid="${nasty.pid}"]`, LONG);
    await page.locator('.drawer .facts-list', { hasText: 'onerror=alert(7)' })
      .waitFor(LONG);
    assert.match(await page.innerText(`[data-pid="${nasty.pid}"]`),
      /^<b>⟨202E⟩evil⟨0A⟩/);
    assert.equal(await page.locator('main img, main script, main b b').count(),
      0);
    assert.doesNotMatch(await page.innerText('main'), /\u202e/);
  } finally {
    nasty.kill('SIGKILL');
  }

  await open(`?q=${name}&pid=${child.pid}`);
  await page.waitForSelector('.drawer .acts button', LONG);
});


quiet('the nice value is set, and shown', async () => {
  await act('priority');
  await page.fill('dialog input[name="nice"]', '7');
  await confirm();
  assert.match(await outcome(), /The priority of .* was set/);
  await close();
  await page.locator('.drawer .facts-list > div', { hasText: /^Nice\s*7$/ })
    .waitFor({ timeout: 15000 });
});


quiet('the class of I/O and the CPUs are set, and shown', async () => {
  await act('priority');
  await page.selectOption('dialog select[name="class"]', 'best-effort');
  await page.fill('dialog input[name="level"]', '6');
  await page.fill('dialog input[name="cpus"]', '0');
  await confirm();
  assert.match(await outcome(), /The priority of .* was set/);
  await close();

  for (const what of [/^I\/O class\s*best-effort 6$/, /^Allowed CPUs\s*0$/]) {
    await page.locator('.drawer .facts-list > div', { hasText: what })
      .waitFor({ timeout: 30000 });
  }
});


quiet('a process is ended by a signal, and that is logged', async () => {
  const { pid } = child;

  await act('signal');
  await page.waitForSelector('dialog[open]');
  assert.match(await page.locator('dialog').innerText(),
    new RegExp(`PID\\s+${pid}[^]*Started`));
  await confirm();
  assert.match(await outcome(), /The signal was sent/);
  assert.match(await page.locator('dialog .effect').innerText(),
    new RegExp(`Gone\\s+${pid}`));
  await page.click('dialog .effect a');
  await page.locator('main.log tbody tr', { hasText: 'Signal' }).first()
    .waitFor();
  await open(`?pid=${pid}`);
  await page.waitForSelector('.drawer .notice.warn', { timeout: 15000 });
  await start();
});


/* what the server or its policy may not have: the answers are made here */

/** @param {object} patch of the policy */
const policy = (patch) => page.route('**/control/policy', async (route) => {
  const answer = await route.fetch({ headers: { ...route.request().headers(),
    'if-none-match': '' } });

  await route.fulfill({ response: answer,
    json: { ...await answer.json(), ...patch } });
});


quiet('what the policy does not allow is not offered', async () => {
  await policy({ signals: [], priorities: [] });
  await open(`?q=${name}&pid=${child.pid}`);
  await page.reload();
  await page.waitForSelector('.drawer .facts-list');
  await page.waitForTimeout(500);
  assert.equal(await page.locator('.acts button',
    { hasText: /Signal|Priority/ }).count(), 0);
  await page.unroute('**/control/policy');
});


quiet('a signal names the process, asks for the password, tells', async () => {
  /** @type {any[]} */
  const sent = [];

  await policy({ priorities: [], signals: [
    { uid: null, signals: ['TERM', 'KILL', 'STOP'] }] });
  await page.route('**/system/process/*', (route) => route.fulfill({ json: [
    { pid: child.pid, name, username: 'root', create_time: 1700000000.5 }] }));
  await page.route('**/system/process/*?*', (route) => route.fallback());
  await page.route(/system\/process\/\d+\?simple=false/, (route) => (
    route.fulfill({ json: [{ pid: child.pid, name, username: 'root',
      create_time: 1700000000.5, uids: { real: 0, effective: 0, saved: 0 },
      threads: [], environ: { PATH: null } }] })));
  await page.route('**/control/signal', (route) => {
    sent.push(route.request().postDataJSON());

    return sent.length === 1 ? route.fulfill({ status: 403,
      contentType: 'application/problem+json',
      json: { status: 403, code: 'reauth_required' } })
      : route.fulfill({ json: { op_id: 'x', logType: 'process_signal',
        target: name, retStatus: 'success', state: 'done', is_exec: true,
        gone: [child.pid], alive: [] } });
  });
  await page.route('**/session/reauth', (route) => route.fulfill(
    route.request().postDataJSON().password === 'right' ? { status: 204 }
      : { status: 401, contentType: 'application/problem+json',
        json: { status: 401, code: 'wrong_password' } }));
  await page.reload();
  await act('signal');
  await page.waitForSelector('dialog[open]');
  assert.match(await page.locator('dialog').innerText(),
    new RegExp(`${child.pid}[^]*2023`));
  await page.selectOption('dialog select[name="signal"]', 'TERM');
  await page.check('dialog input[name="then"]');
  await confirm();
  await page.fill('dialog input[name="password"]', 'wrong');
  await page.click('dialog .primary');
  await page.waitForSelector('dialog .notice.bad');
  await page.fill('dialog input[name="password"]', 'right');
  await page.click('dialog .primary');
  assert.match(await outcome(), /The signal was sent/);
  assert.match(await page.locator('dialog .effect').innerText(),
    new RegExp(`Gone\\s+${child.pid}`));
  assert.equal(sent.length, 2);
  assert.deepEqual({ ...sent[1], identity: null, pid: null, create_time: null },
    { signal: 'TERM', tree: false, wait_ms: 3000, then: 'KILL',
      identity: null, pid: null, create_time: null });
  assert.ok(sent[1].identity || (sent[1].pid === child.pid
    && sent[1].create_time === 1700000000.5));
  await close();
  await page.unrouteAll();
  await page.reload();
});
