/* What holds on every view: the focus, large screens, a server that is away,
   how the page comes */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { browser, complaints, go, loggedIn, page, quiet, where }
  from './harness.mjs';


loggedIn();


quiet('what has the focus is seen to have it', async () => {
  for (const view of ['overview', 'processes', 'services', 'memory', 'log',
    'account']) {
    await go(`#/${view}`);
    await page.waitForSelector(`main.${view} tbody tr`);
    await page.focus('main');

    for (let i = 0; i < 12; i++) {
      await page.keyboard.press('Tab');

      const bare = await page.evaluate(() => {
        const here = document.activeElement;
        const marked = [here, here?.nextElementSibling].some((node) => {
          const { outlineStyle, outlineWidth } = node
            ? getComputedStyle(node) : { outlineStyle: '', outlineWidth: '' };

          return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1;
        });

        return here === document.body || marked ? null
          : here?.outerHTML.slice(0, 200);
      });

      assert.equal(bare, null, view);
    }
  }
});


quiet('every view fits 4K', async () => {
  await page.setViewportSize({ width: 3840, height: 2160 });

  for (const view of ['overview', 'processes', 'services', 'memory', 'log',
    'account']) {
    await go(`#/${view}`);
    await page.waitForSelector(`main.${view} tbody tr`);
    assert.ok(await page.evaluate(() => (
      document.documentElement.scrollWidth <= innerWidth)), view);
  }

  await page.setViewportSize({ width: 1400, height: 900 });
});


test('it is asked for ever more seldom', async () => {
  /** @type {number[]} */
  const at = [];
  const note = (/** @type {import('playwright-core').Request} */ request) => {
    if (/\/session$/.test(request.url())) {
      at.push(Date.now());
    }
  };

  page.on('request', note);
  await browser.context.setOffline(true);
  await page.waitForSelector('.banners .notice.bad', { timeout: 30000 });

  for (let i = 0; at.length < 4 && i < 600; i++) {
    await page.waitForTimeout(100);
  }

  page.off('request', note);

  const gaps = at.slice(1).map((t, i) => t - at[i]);

  assert.ok(gaps.length >= 3 && gaps[2] > 1.5 * gaps[0], gaps.join());
  await browser.context.setOffline(false);
  await page.click('.banners button', { timeout: 5000 }).catch(() => {});
  await page.waitForSelector('.banners .notice.bad', { state: 'detached',
    timeout: 60000 });
  complaints.length = 0;
});


quiet('compressed files, under a policy that lets nothing else in', async () => {
  const answers = Object.fromEntries((await Promise.all([
    ...['', 'js/main.js', 'css/page.css', 'i18n/en.json'].map(
      async (path) => {
        const request = new URL(path, where.url).href;
        const [answer] = await Promise.all([page.waitForResponse(request),
          page.evaluate((u) => fetch(u, { cache: 'no-store' })
            .then((r) => r.text()), request)]);

        return [path, await answer.allHeaders()];
      })])));

  for (const [path, headers] of Object.entries(answers)) {
    assert.equal(headers['content-encoding'], 'gzip', path);

    /* static: its length is known before it is sent */
    assert.ok(Number(headers['content-length']) > 0, path);
  }

  const csp = answers['']['content-security-policy'];

  assert.match(csp, /default-src '(self|none)'/);
  assert.match(csp, /frame-ancestors 'none'/);
  assert.doesNotMatch(csp, /unsafe-|https?:|\*|data:/);
});
