/*
 * Lays out the page for serving: node build.mjs OUT
 *
 * esbuild makes one module of our sources and the npm packages, and one style
 * sheet: what a browser that was never here has to ask for is few and small.
 * The words of each language stay files of their own.  Lists the licences and
 * writes a .gz beside every text file for nginx's gzip_static.
 */

import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));

const sources = ['css', 'js', 'i18n'];
const entries = ['js/main.js', 'js/theme.js', 'css/page.css'];
const copied = ['index.html', 'favicon.svg'];
const libraries = ['preact', 'htm', 'uplot', '@tanstack/virtual-core'];

const text = /\.(html|css|js|json|svg|txt)$/;


async function files(dir) {
  const list = await readdir(dir, { recursive: true, withFileTypes: true });

  return list.filter((e) => e.isFile())
    .map((e) => join(e.parentPath ?? e.path, e.name)).sort();
}


async function listLicences(out) {
  const parts = [];

  for (const name of libraries) {
    const dir = join(here, 'node_modules', name);
    const pkg = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8'));
    const licence = await readFile(join(dir, 'LICENSE'), 'utf8');

    parts.push(`${pkg.name} ${pkg.version} (${pkg.license})\n\n`
      + `${licence.trim()}\n`);
  }

  await writeFile(join(out, 'licences.txt'),
    `The page contains these libraries.\n\n${
      parts.join(`\n${'-'.repeat(72)}\n\n`)}`);
}


async function compress(all) {
  let total = 0;

  for (const file of all.filter((f) => text.test(f))) {
    const packed = await promisify(gzip)(await readFile(file),
      { level: constants.Z_BEST_COMPRESSION, memLevel: 9 });

    await writeFile(`${file}.gz`, packed);
    total += packed.length;
  }

  return total;
}


async function layOut(out) {
  await rm(out, { recursive: true, force: true });
  await mkdir(join(out, 'i18n'), { recursive: true });

  await build({ entryPoints: entries.map((file) => join(here, file)),
    outdir: out, outbase: here, bundle: true, minify: true, format: 'esm',
    target: 'es2022', legalComments: 'none', logLevel: 'warning' });

  for (const name of copied) {
    await cp(join(here, name), join(out, name));
  }

  for (const file of await files(join(here, 'i18n'))) {
    await writeFile(join(out, relative(here, file)),
      JSON.stringify(JSON.parse(await readFile(file, 'utf8'))));
  }

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

await layOut(target);
