/* What a watch shows of growth: its thresholds in the chart, its slope */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before } from 'node:test';

import { go, loggedIn, page, quiet } from './harness.mjs';
import { words } from './lib.mjs';


const LONG = { timeout: 60000 };
const MIB = 1048576;

/** @type {import('node:child_process').ChildProcess} */
let child;

loggedIn();

/* two MiB more each tenth of a second, for a while */
before(async () => {
  child = spawn('/usr/bin/perl', ['-e', `
    $0 = shift; $| = 1; print "x"; my @kept;
    for (1 .. 150) { push @kept, "x" x 2097152; select undef, undef, undef, .1 }
    sleep 600;`, `ui-grow-${process.pid}`],
  { stdio: ['ignore', 'pipe', 'inherit'], uid: process.getuid?.() || 1000,
    cwd: '/' });
  await once(/** @type {any} */ (child.stdout), 'data');
});

after(() => child.kill('SIGKILL'));


quiet('thresholds are drawn, growth and its slope are told', async () => {
  await go('#/memory');
  await page.click('[aria-labelledby="watches"] .primary');
  await page.fill('dialog input[name="target"]', String(child.pid));
  await page.fill('dialog input[name="interval"]', '100');
  await page.fill('dialog input[name="thresholds"]', '40, 600');
  await page.click('dialog [type="submit"]');
  await page.waitForSelector('dialog', { state: 'detached', ...LONG });

  const card = page.locator('.watch', { hasText: `ui-grow-${process.pid}` });

  await card.locator('canvas').waitFor(LONG);

  /* above the first of them: in a colour that nothing else there has */
  await card.locator('.pill.bad').first().waitFor(LONG);

  const canvas = await card.locator('canvas').elementHandle();

  await page.waitForFunction((node) => {
    const drawing = /** @type {HTMLCanvasElement} */ (node);
    const bad = /^#(..)(..)(..)$/.exec(getComputedStyle(
      document.documentElement).getPropertyValue('--bad').trim());
    const data = drawing.getContext('2d')?.getImageData(0, 0, drawing.width,
      drawing.height).data ?? [];
    let drawn = 0;

    for (let i = 0; bad && i < data.length; i += 4) {
      drawn += [1, 2, 3].every((k) => Math.abs(data[i + k - 1]
        - parseInt(bad[k], 16)) < 8) && data[i + 3] > 200 ? 1 : 0;
    }

    return drawn > 100;
  }, canvas, LONG);

  /* the same as the server says */
  const en = words('en');
  const fact = (/** @type {string} */ key) => card.locator('.effect > div', {
    hasText: en[`watch.${key}`] }).first().locator('dd');

  await card.getByText(en['watch.too_few']).waitFor(
    { ...LONG, state: 'detached' });

  const [watch] = (await page.evaluate(() => fetch('memory/watches')
    .then((r) => r.json()))).filter((/** @type {any} */ w) => (
    w.pid === child.pid));

  assert.ok(watch.slope_mb_per_min > 60, String(watch.slope_mb_per_min));
  assert.ok(watch.growth.physical_mb * MIB > 20 * MIB);
  assert.match(await fact('slope').innerText(), /^\+[\d.,]+ [MG]iB/);
  assert.match(await fact('growth').innerText(), /^\+[\d.,]+ [MG]iB/);
});


quiet('and the watch is deleted', async () => {
  const card = page.locator('.watch', { hasText: `ui-grow-${process.pid}` });

  await card.getByRole('button', { name: words('en')['watch.delete'] })
    .click();
  await page.click('dialog [type="submit"]');
  await card.waitFor({ state: 'detached', ...LONG });
});
