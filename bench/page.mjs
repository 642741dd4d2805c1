/*
 * The page in Chromium against a server with many processes:
 * node bench/page.mjs URL USER PASSWORD N, prints one JSON object.
 *
 * PROCMGR_BENCH_PAGE_MINUTES (10) of refreshes for the heap; their timers run
 * PACE times as fast, so it takes a fraction of that.
 */

import { browse, watch } from '../t/ui/lib.mjs';

const [url, username, password, n] = process.argv.slice(2);
const minutes = Number(process.env.PROCMGR_BENCH_PAGE_MINUTES ?? 10);
const PACE = 4;
const INTERVAL = 2;             /* s between two refreshes */
const REFRESHES = 15;           /* for the main thread */
const COLD = 5;
const LOOKS = 10;               /* at the heap */

const list = /\/system\/process\/info\?(?!.*limit=1$)/;


/** @param {number[]} v */
const median = (v) => v.sort((a, b) => a - b)[Math.floor(v.length / 2)];


/** @param {import('playwright-core').Page} page */
async function refreshes(page, count) {
  for (let i = 0; i < count; i++) {
    await page.waitForResponse((r) => list.test(r.url()), { timeout: 60000 });
  }
}


const { cookies, complaints } = await (async () => {
  const browser = await browse();
  const seen = await watch(browser.context, url);

  await seen.page.goto(url);
  await seen.page.fill('input[name="username"]', username);
  await seen.page.fill('input[name="password"]', password);
  await seen.page.click('button[type="submit"]');
  await seen.page.waitForSelector('main.overview tbody tr');

  const jar = await browser.context.cookies();

  await browser.close();

  return { cookies: jar, complaints: seen.complaints };
})();


/** A browser that was never here, but for its session.
 *
 * @param {number} [pace] its timers run so many times as fast */
async function fresh(pace = 1) {
  const browser = await browse();

  await browser.context.addCookies(cookies);

  const seen = await watch(browser.context, url);

  await seen.page.addInitScript((times) => {
    const slow = setTimeout;
    const own = /** @type {any} */ (window);

    own.longest = 0;
    new PerformanceObserver((entries) => {
      for (const entry of entries.getEntries()) {
        own.longest = Math.max(own.longest, entry.duration);
      }
    }).observe({ type: 'longtask' });

    if (times > 1) {
      own.setTimeout = (f, ms, ...rest) => slow(f, ms >= 1000 ? ms / times
        : ms, ...rest);
    }

    /* the first view is usable once its figures and its table are there */
    new MutationObserver((_, observer) => {
      if (document.querySelector('main.overview tbody tr td')
        && document.querySelector('[data-line="tasks"] .figures b')) {
        own.usable = performance.now();
        observer.disconnect();
      }
    }).observe(document, { childList: true, subtree: true });
  }, pace);

  return { ...seen, close: () => browser.close() };
}


/* the first view, by a browser with an empty cache */

const usable = [];
let bytes = 0;

for (let i = 0; i < COLD; i++) {
  const { page, complaints: own, close } = await fresh();
  /** @type {Promise<any>[]} */
  const sizes = [];

  page.on('requestfinished', (request) => {
    if (/\/$|\.\w+$/.test(new URL(request.url()).pathname)) {
      sizes.push(request.sizes());
    }
  });
  await page.goto(url);
  await page.waitForFunction(() => 'usable' in window);
  usable.push(await page.evaluate(() => /** @type {any} */ (window).usable));

  /* all views, once */
  if (i === 0) {
    for (const view of ['processes', 'services', 'memory', 'log', 'account']) {
      await page.goto(`${url}#/${view}`);
      await page.waitForSelector(`main.${view} tbody tr`);
    }

    bytes = (await Promise.all(sizes)).reduce((sum, s) => (
      sum + s.responseBodySize + s.responseHeadersSize), 0);
  }

  complaints.push(...own);
  await close();
}


/* the table of all processes */

const { page, complaints: own, close } = await fresh();

await page.goto(`${url}#/processes`);
await page.waitForSelector('.processes tbody td');
await page.mouse.move(0, 0);
await refreshes(page, 3);

const cdp = await page.context().newCDPSession(page);

/* CPU time of the main thread, whatever else the machine does */
await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });

const spent = async () => Object.fromEntries((await cdp.send(
  'Performance.getMetrics')).metrics.map((m) => [m.name, m.value]));
const before = await spent();

await page.evaluate(() => { /** @type {any} */ (window).longest = 0; });
await refreshes(page, REFRESHES);
await page.waitForTimeout(INTERVAL * 500);

const after = await spent();
const longest = await page.evaluate(
  () => /** @type {any} */ (window).longest);
const each = (name) => 1000 * (after[name] - before[name]) / REFRESHES;
const rows = await page.getAttribute('.processes table', 'aria-rowcount');

complaints.push(...own);
await close();


/* memory over many refreshes */

const long = await fresh(PACE);

await long.page.goto(`${url}#/processes`);
await long.page.waitForSelector('.processes tbody td');

const probe = await long.page.context().newCDPSession(long.page);

async function heap() {
  await probe.send('HeapProfiler.collectGarbage');

  return (await probe.send('Runtime.getHeapUsage')).usedSize;
}

/* the first fifth warms up: code is compiled, what is kept is full */

const all = minutes * 60 / INTERVAL;
const sizes = [];

for (let i = 0; i < LOOKS; i++) {
  await refreshes(long.page, Math.ceil(all / LOOKS));
  sizes.push(await heap());
}

const [, first] = sizes;
const last = Number(sizes.at(-1));

complaints.push(...long.complaints);
await long.close();

console.log(JSON.stringify({ n: Number(n), rows: Number(rows) - 1,
  usable: median(usable), bytes, main: each('TaskDuration'),
  script: each('ScriptDuration'), layout: each('LayoutDuration'),
  style: each('RecalcStyleDuration'), longest, first, last, sizes, refreshes: all,
  complaints }));
