/* Services: what listens, the form, operations */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

import { appendFileSync, chmodSync, readFileSync, realpathSync, rmSync,
  writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { close, confirm, go, loggedIn, outcome, page, quiet, submit,
  toEnglish, where } from './harness.mjs';
import { tool, words } from './lib.mjs';

const port = new URL(where.url).port;


loggedIn();


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


quiet('a search finds processes that hold no socket, too', async () => {
  const name = `ui-idle-${process.pid}`;
  const child = spawn('/usr/bin/perl', ['-e',
    '$0 = shift; $| = 1; print "x"; sleep 600', name],
  { stdio: ['ignore', 'pipe', 'inherit'] });

  try {
    await once(child.stdout, 'data');
    await page.fill('input[type="search"]', name);

    const row = page.locator('[aria-labelledby="sockets"] tbody tr',
      { hasText: name });

    await row.waitFor({ timeout: 30000 });
    assert.match(await row.innerText(), new RegExp(`\\b${child.pid}\\b`));
    assert.equal(await page.locator('.sockets tbody tr').count(), 0);
  } finally {
    child.kill();
  }

  await page.fill('input[type="search"]', 'nginx');
  await page.waitForSelector('.sockets tbody tr');
});


quiet('connections have their foreign address', async () => {
  await page.check('[aria-labelledby="sockets"] input[type="checkbox"]');
  await page.locator('.sockets tbody tr', { hasText: 'ESTAB' }).first()
    .waitFor({ timeout: 30000 });
  assert.match(await page.locator('.sockets tbody tr', { hasText: 'ESTAB' })
    .first().innerText(), /127\.0\.0\.1:\d+\s+127\.0\.0\.1:\d+/);
  await page.uncheck('[aria-labelledby="sockets"] input[type="checkbox"]');
});


quiet('a view comes back as it was after a reload', async () => {
  await page.reload();
  await page.waitForSelector('.sockets tbody tr');
  assert.equal(await page.inputValue('input[type="search"]'), 'nginx');
});


quiet('the form says what is missing', async () => {
  const error = page.locator('#form-error');

  await page.click('form.control button[type="submit"]');
  assert.match(await error.innerText(), /^Fill in (a|the) service/);
  await page.fill('form.control input[name="name"]', 'demo');
  await page.click('form.control button[type="submit"]');
  assert.match(await error.innerText(), /^Choose what is to be done/);
  await page.fill('form.control input[name="name"]', '-rf /');
  await page.click('form.control button[type="submit"]');
  assert.match(await error.innerText(), /does not begin with -/);
  assert.equal(await page.locator('dialog').count(), 0);
});


quiet('service and command together are refused with a sentence', async () => {
  await page.fill('form.control input[name="name"]', 'demo');
  await page.fill('form.control input[name="command"]', 'procmgr-demo work 8');
  await page.click('form.control button[type="submit"]');
  assert.equal(await page.locator('#form-error').innerText(),
    'Fill in either a service or a command, not both.');
});


quiet('a command of the policy is completed, run and measured', async () => {
  assert.ok(await page.locator('#commands option').count() > 0);
  await page.fill('form.control input[name="name"]', '');
  await page.fill('form.control input[name="command"]',
    await page.locator('#commands option').first().getAttribute('value') ?? '');
  await page.check('form.control input[name="measure"]');
  await page.click('form.control button[type="submit"]');
  assert.match(await page.locator('dialog').innerText(), /procmgr-demo work/);
  await confirm();
  assert.match(await outcome(), /The command ran\./);
  assert.match(await page.locator('dialog .effect').innerText(),
    /Elapsed[^]*largest \/ average/);
  await page.click('dialog .effect a');
  await page.waitForSelector('main.log .detail .chart canvas');
});


quiet('a command that is not in the policy is refused', async () => {
  await go('#/services');
  await page.fill('form.control input[name="command"]', 'rm -rf /');
  await page.click('form.control button[type="submit"]');
  await confirm();
  assert.match(await outcome(), /policy/);
  await close();
  await page.fill('form.control input[name="command"]', '');
});


quiet('why it was refused, in the user\'s language', async () => {
  await page.click('.tools button[lang="zh"]');
  await page.waitForSelector('html[lang="zh-CN"]');
  await submit('no-such-service', 'restart');
  await confirm();
  assert.ok((await outcome()).includes(words('zh')['code.unknown_service']));
  await close();
  await toEnglish();
});


const instance = realpathSync(dirname(process.env.PROCMGR_UI_INSTANCE
  ?? 'run/instance.json'));

/** @param {string} line of the policy @param {() => Promise<void>} body */
async function withPolicy(line, body) {
  const policy = join(instance, 'etc/policy.conf');
  const before = readFileSync(policy, 'utf8');

  appendFileSync(policy, `\n${line}\n`);
  tool('nginx-start');          /* a running one is reloaded */

  try {
    await body();
  } finally {
    writeFileSync(policy, before);
    tool('nginx-start');
  }
}


quiet('what takes longer than an answer may is followed to its end', async () => {
  await withPolicy('command slow path=/usr/bin/sleep sleep int(1..60) '
    + 'user=nobody roles=admin timeout=90s', async () => {
    await go('#/services');
    await page.fill('form.control input[name="name"]', '');
    await page.fill('form.control input[name="command"]', 'sleep 12');

    const answered = page.waitForResponse((r) => (
      r.url().endsWith('control/commands') && r.request().method() === 'POST'),
    { timeout: 60000 });

    await page.click('form.control button[type="submit"]');
    await confirm();
    await page.waitForSelector('dialog .doing');

    const answer = await answered;

    assert.equal(answer.status(), 202);
    assert.match(await answer.headerValue('location') ?? '',
      /log\/[0-9a-f-]{36}$/);
    assert.equal(await page.locator('dialog .doing').count(), 1);
    assert.match(await outcome(), /The command ran\./);
    await close();
    await page.fill('form.control input[name="command"]', '');
  });
});


quiet('what a program prints is shown as text', async () => {
  const program = join(instance, 'demo/nasty');

  writeFileSync(program, '#!/bin/sh\nprintf \'<img src=x onerror=alert(6)>'
    + '</script>\\342\\200\\256\\033[31m\\nline\\377\'\n', { mode: 0o755 });
  chmodSync(program, 0o755);

  try {
    await withPolicy(`command nasty path=${program} nasty user=nobody `
      + 'roles=admin timeout=20s output=4k', async () => {
      await go('#/services');
      await page.fill('form.control input[name="command"]', 'nasty');
      await page.click('form.control button[type="submit"]');
      await confirm();
      assert.match(await outcome(), /The command ran\./);
      assert.match(await page.innerText('dialog .output'),
        /^<img src=x onerror=alert\(6\)><\/script>⟨202E⟩⟨1B⟩\[31m\nline/);
      assert.equal(await page.locator('dialog img, dialog script').count(), 0);
      await close();
      await page.fill('form.control input[name="command"]', '');
    });
  } finally {
    rmSync(program);
  }
});


quiet('stop and start by the row\'s buttons', async () => {
  await submit('demo', 'start');
  await confirm();
  await outcome();
  await close();

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


quiet('the log of a managed service is shown', async () => {
  await page.getByRole('button', { name: 'Log of demo' }).click();
  await page.locator('.managed .detail-row', { hasText: /\d/ }).waitFor();
  assert.match(page.url(), /journal=demo/);
  await page.getByRole('button', { name: 'Log of demo' }).click();
  await page.waitForSelector('.managed .detail-row', { state: 'detached' });
});


quiet('a service that is in the wanted state already: said so', async () => {
  await submit('demo', 'start');
  await confirm();
  assert.match(await outcome(), /It was so already/);
  await close();
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
