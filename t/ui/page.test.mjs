/* What holds on every view: words, theme, access, banners, delivery */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';

import { browser, close, complaints, go, loggedIn, page, quiet, submit,
  toEnglish, violations, where } from './harness.mjs';
import { browse, login, watch } from './lib.mjs';


loggedIn();


/* language, theme, access */

quiet('Chinese and English by the switch, kept over a reload', async () => {
  await go('#/overview');
  await page.click('.tools button[lang="zh"]');
  await page.waitForSelector('html[lang="zh-CN"]');
  await page.waitForSelector('text=系统任务情况');
  assert.match(await page.innerText('[data-line="tasks"] .figures'),
    /^\d+ total/);
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


for (const theme of ['light', 'dark']) {
  quiet(`axe finds nothing on any view, ${theme}`, async () => {
    await page.setViewportSize({ width: 1400, height: 900 });
    await page.emulateMedia({ colorScheme: /** @type {any} */ (theme),
      reducedMotion: 'reduce' });

    for (const view of ['overview', 'processes', 'services', 'memory', 'log',
      'account']) {
      await go(`#/${view}`);
      await page.waitForSelector(`main.${view} tbody tr`);
      assert.deepEqual(await violations(), [], view);
    }

    await go(`#/processes?pid=${process.pid}`);
    await page.waitForSelector('.drawer .facts-list');
    await page.waitForTimeout(1000);
    assert.deepEqual(await violations(), [], 'drawer');
    await page.click('button[popovertarget="columns"]');
    assert.deepEqual(await violations(), [], 'columns');
    await page.keyboard.press('Escape');

    await page.keyboard.press('?');
    await page.waitForSelector('dialog .keys');
    assert.deepEqual(await violations(), [], 'keys');
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });

    await go('#/log');
    await page.waitForSelector('main.log tbody tr');

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

    /* words are long in one language, headings in the other */
    for (const lang of ['zh', 'en']) {
      await page.click(`.tools button[lang="${lang}"]`);
      await page.waitForSelector(`html[lang^="${lang}"]`);

      for (const view of ['overview', 'processes', 'services', 'memory', 'log',
        'account']) {
        await go(`#/${view}`);
        await page.waitForSelector(`main.${view} tbody tr`);
        assert.ok(await page.evaluate(() => (
          document.documentElement.scrollWidth <= innerWidth)),
        `${view} fits 360 px, ${lang}`);
      }
    }

    await page.setViewportSize({ width: 1400, height: 900 });
  });
}


quiet('the parts of the bar stand side by side at every width', async () => {
  for (const width of [360, 740, 960, 1280]) {
    await page.setViewportSize({ width, height: 740 });
    assert.deepEqual(await page.evaluate(() => {
      const boxes = [...document.querySelectorAll(
        '.brand span:not(.host), nav a, .tools > button')].map((e) => (
        e.getBoundingClientRect()));

      return boxes.filter((a, i) => boxes.some((b, k) => k > i
        && a.left < b.right - 1 && b.left < a.right - 1
        && a.top < b.bottom - 1 && b.top < a.bottom - 1)).length;
    }), 0, `${width} px`);
  }

  await page.setViewportSize({ width: 1400, height: 900 });
});


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


quiet('single keys work, are shown by ?, and can be turned off', async () => {
  const view = () => page.evaluate(() => location.hash.split('?')[0]);

  await go('#/overview');
  await page.waitForSelector('main.overview tbody tr');
  await page.keyboard.press('2');
  await page.waitForSelector('main.processes tbody tr');
  await page.keyboard.press('/');
  await page.keyboard.type('3?p');
  assert.equal(await view(), '#/processes');
  assert.equal(await page.inputValue('input[name="q"]'), '3?p');
  await page.fill('input[name="q"]', '');
  await page.focus('main');
  await page.keyboard.press('?');
  await page.waitForSelector('dialog .keys');
  await page.keyboard.press('4');
  assert.equal(await view(), '#/processes');
  await page.uncheck('dialog input[type="checkbox"]');
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
  await page.keyboard.press('4');
  assert.equal(await view(), '#/processes');
  await page.keyboard.press('?');
  await page.check('dialog input[type="checkbox"]');
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
  await page.keyboard.press('4');
  await page.waitForSelector('main.memory');
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
  assert.equal(await page.locator('[aria-labelledby="largest"] tbody tr')
    .count(), 10);
  await page.click('.banners button');      /* in vain */
  await page.waitForSelector('.banners .notice.bad');
  await browser.context.setOffline(false);
  await page.waitForSelector('.banners .notice.bad',
    { state: 'detached', timeout: 20000 });

  const time = await page.getAttribute('.card.lines time', 'datetime');

  await page.waitForFunction((t) => document.querySelector('.card.lines time')
    ?.getAttribute('datetime') !== t, time, { timeout: 10000 });
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

      /* the page, not what it asks for */
      if (!/\/$|\.\w+$/.test(new URL(request.url()).pathname)) {
        return;
      }

      bytes += sizes ? sizes.responseBodySize + sizes.responseHeadersSize : 0;
    });
    await login(seen.page, { ...where, url: front.url });
    await seen.page.waitForSelector('main.overview tbody tr');

    for (const view of ['services', 'memory', 'log', 'processes']) {
      await seen.page.click(`nav a[href="#/${view}"]`);
      await seen.page.waitForSelector(`main.${view} tbody tr`);
    }

    assert.ok(seen.page.url().startsWith(front.url));
    assert.ok(bytes > 20000 && bytes <= 120 * 1024, `${bytes} bytes`);
    assert.deepEqual(seen.complaints, []);
  } finally {
    await other.close();
    front.close();
  }
});
