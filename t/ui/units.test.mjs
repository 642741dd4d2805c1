/*
 * The units of a real systemd: the file runs once more within a systemd of its
 * own, with nginx, PostgreSQL and the browser, see t/lib/systemd-sandbox.
 */

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const top = join(dirname(fileURLToPath(import.meta.url)), '../..');
const CANNOT = 77;              /* what systemd-sandbox says where it cannot */
const LONG = { timeout: 60000 };
const NAME = 'procmgr-ui-broken.service';


if (process.env.PROCMGR_TEST_SYSTEMD) {
  await inside();
} else {
  test('failed units, with a systemd of their own', outside);
}


/** @param {import('node:test').TestContext} t */
async function outside(t) {
  const build = process.env.BUILD_DIR ?? join(top, 'build/release');
  const dir = mkdtempSync('/var/tmp/procmgr-sandbox.');

  try {
    const child = spawn(join(top, 't/lib/systemd-sandbox'), [dir, 'sh', '-c',
      'exec "$SANDBOX" --in "$SANDBOX_DIR" systemd-run --wait --pipe --quiet '
      + '--collect -p WorkingDirectory="$1" -E PROCMGR_TEST_SYSTEMD=1 '
      + '-E BUILD_DIR="$2" -E PROCMGR_CHROMIUM="$3" '
      + '"$1/tools/test-ui.sh" t/ui/units.test.mjs',
      'sh', top, build, process.env.PROCMGR_CHROMIUM ?? ''],
    { stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, SANDBOX_BIND: build } });
    let said = '';

    child.stdout.on('data', (text) => { said += text; });
    child.stderr.on('data', (text) => { said += text; });

    const [status] = await once(child, 'close');

    if (status === CANNOT) {
      t.skip(said.trim().split('\n').at(-1) || 'no systemd in namespaces here');
      return;
    }

    assert.equal(status, 0, said);
    assert.match(said, /\bpass 1\b/);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}


async function inside() {
  const systemctl = (/** @type {string[]} */ ...words) => execFileSync(
    'systemctl', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

  writeFileSync(`/etc/systemd/system/${NAME}`, `[Unit]
Description=Broken <img src=x onerror=alert(5)>
[Service]
Type=oneshot
ExecStart=/bin/false
`);
  systemctl('daemon-reload');
  systemctl('start', 'dbus.service');

  const harness = await import('./harness.mjs');

  harness.loggedIn();

  const name = 'a unit that fails stands in the card until it is reset';

  harness.quiet(name, async () => {
    const { page } = harness;
    const card = page.locator('[aria-labelledby="units"]');
    const row = card.locator('tbody tr', { hasText: NAME });

    await card.waitFor(LONG);
    assert.equal(await row.count(), 0);
    assert.throws(() => systemctl('start', NAME));
    await row.waitFor(LONG);
    assert.match(await row.innerText(), /Broken <img src=x[^]*failed/);
    assert.equal(await page.locator('main img').count(), 0);

    const failed = systemctl('list-units', '--failed', '--plain',
      '--no-legend').trim().split('\n').length;

    assert.equal(await card.locator('tbody tr').count(), failed);
    systemctl('reset-failed', NAME);
    await row.waitFor({ ...LONG, state: 'detached' });
    assert.ok(await card.isVisible());
  });
}
