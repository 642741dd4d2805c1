/*
 * Lays out the page for serving: node build.mjs OUT
 *
 * Copies the sources and the ES modules of the npm packages into OUT, turns
 * bare imports into relative ones (the Content-Security-Policy leaves no room
 * for an inline import map), leaves out comments, lists the licences and
 * writes a .gz beside every text file for nginx's gzip_static.
 */

import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, posix, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, 'node_modules');

const sources = ['index.html', 'favicon.svg', 'css', 'js', 'i18n'];

/* what a bare import names -> the file that takes its place in OUT */
const vendor = {
  'preact': {
    from: 'preact/dist/preact.mjs', to: 'vendor/preact.js',
  },
  'preact/hooks': {
    from: 'preact/hooks/dist/hooks.mjs', to: 'vendor/preact-hooks.js',
  },
  'htm': {
    from: 'htm/dist/htm.mjs', to: 'vendor/htm.js',
  },
  /* the package has its ES module only in a form three times as large */
  'uplot': {
    from: 'uplot/dist/uPlot.iife.min.js', to: 'vendor/uplot.js',
    tail: 'export default uPlot;\n',
  },
};

const styles = { 'uplot/dist/uPlot.min.css': 'vendor/uplot.css' };

const text = /\.(html|css|js|json|svg|txt)$/;


async function files(dir) {
  const list = await readdir(dir, { recursive: true, withFileTypes: true });

  return list.filter((e) => e.isFile())
    .map((e) => join(e.parentPath ?? e.path, e.name)).sort();
}


/* `file` is the importing file's place in OUT, with slashes */
function rewrite(code, file) {
  const imports = /(\bfrom\s*|\bimport\s*)(['"])([^'"\n]+)\2/g;

  return code.replace(imports, (all, word, quote, name) => {
    if (name.startsWith('.')) {
      return all;
    }

    if (!(name in vendor)) {
      throw new Error(`${file}: import of "${name}" has no place in OUT`);
    }

    const path = posix.relative(posix.dirname(file), vendor[name].to);

    return word + quote + (path.startsWith('.') ? path : `./${path}`) + quote;
  });
}


/*
 * Comments that begin a line, empty lines and indentation are for those who
 * read the sources: a quarter of what would go over the wire.
 */
const lean = (code) => code
  .replace(/^[ \t]*\/\*(?:(?!\*\/)[^])*\*\/[ \t]*\n/gm, '')
  .replace(/^[ \t]+/gm, '').replace(/\n{2,}/g, '\n').replace(/^\n/, '');


async function layOutVendor(out) {
  for (const { from, to, tail = '' } of Object.values(vendor)) {
    const code = await readFile(join(modules, from), 'utf8');
    const bare = code.replace(/^\/\/# sourceMappingURL=.*$/gm, '');

    await mkdir(dirname(join(out, to)), { recursive: true });
    await writeFile(join(out, to), rewrite(bare.trimEnd() + '\n' + tail, to));
  }

  for (const [from, to] of Object.entries(styles)) {
    await cp(join(modules, from), join(out, to));
  }
}


/* so that the browser asks for all modules at once, not level by level */
async function namePreloads(out, all) {
  const page = join(out, 'index.html');
  const links = all.map((f) => relative(out, f))
    .filter((f) => /^(js|vendor)\/.*\.js$/.test(f) && f !== 'js/theme.js')
    .map((f) => `  <link rel="modulepreload" href="${f}">`);
  const html = await readFile(page, 'utf8');

  await writeFile(page, html.replace('</head>',
    `${links.join('\n')}\n</head>`));
}


async function listLicences(out) {
  const parts = [];

  for (const name of ['preact', 'htm', 'uplot']) {
    const dir = join(modules, name);
    const pkg = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8'));
    const licence = await readFile(join(dir, 'LICENSE'), 'utf8');

    parts.push(`${pkg.name} ${pkg.version} (${pkg.license})\n\n`
      + `${licence.trim()}\n`);
  }

  await writeFile(join(out, 'licences.txt'),
    `The page contains these libraries.\n\n${
      parts.join(`\n${'-'.repeat(72)}\n\n`)}`);
}


/* returns what a browser loads that looks at every view, in one language */
async function compress(all) {
  let total = 0, spare = Infinity;

  for (const file of all.filter((f) => text.test(f))) {
    const packed = await promisify(gzip)(await readFile(file),
      { level: constants.Z_BEST_COMPRESSION, memLevel: 9 });

    await writeFile(`${file}.gz`, packed);

    if (dirname(file).endsWith('i18n')) {
      spare = Math.min(spare, packed.length);
    }

    if (!file.endsWith('licences.txt')) {
      total += packed.length;
    }
  }

  return total - spare;
}


async function build(out) {
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });

  for (const name of sources) {
    await cp(join(here, name), join(out, name), { recursive: true });
  }

  for (const file of (await files(join(out, 'js')))) {
    const place = relative(out, file);
    const code = await readFile(file, 'utf8');

    await writeFile(file, lean(rewrite(code, place)));
  }

  for (const file of (await files(join(out, 'css')))) {
    await writeFile(file, lean(await readFile(file, 'utf8')));
  }

  await layOutVendor(out);
  await namePreloads(out, await files(out));
  await listLicences(out);

  const total = await compress(await files(out));

  console.log(`page: ${out}, ${(total / 1024).toFixed(1)} KiB gzipped`);
}


const out = process.argv[2];

if (!out || process.argv.length !== 3) {
  console.error('usage: node build.mjs OUT');
  process.exit(2);
}

/* OUT is emptied first: not the sources, not a folder around them */
const target = resolve(out);

if (!relative(target, here).startsWith('..') || sources.some(
  (name) => !relative(join(here, name), target).startsWith('..'))) {
  console.error(`build.mjs: will not empty ${target}`);
  process.exit(2);
}

await build(target);
