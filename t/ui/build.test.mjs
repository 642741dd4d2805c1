/* What html/build.mjs lays out may be served as it is, anywhere */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync,
  statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const html = join(dirname(fileURLToPath(import.meta.url)), '../../html');
const base = mkdtempSync(join(tmpdir(), 'procmgr-page-'));
const out = join(base, 'out');

execFileSync(process.execPath, [join(html, 'build.mjs'), out],
  { stdio: 'ignore' });
after(() => rmSync(base, { recursive: true }));


function files(dir = out) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((e) => (
    e.isDirectory() ? files(join(dir, e.name)) : [join(dir, e.name)]));
}

const text = (file) => readFileSync(file, 'utf8');
const named = (pattern) => files().filter((f) => pattern.test(f));


test('the page is one module: nothing is left to be imported', () => {
  for (const file of named(/\.js$/)) {
    assert.doesNotMatch(text(file),
      /\bimport\s*["'{*(]|\bfrom\s*["']|\brequire\(/, relative(out, file));
  }

  assert.deepEqual(named(/\.(js|css)$/).map((f) => relative(out, f)).sort(),
    ['css/page.css', 'js/main.js', 'js/theme.js']);
});


test('the page names files that are there, by relative addresses', () => {
  const page = text(join(out, 'index.html'));
  const names = [...page.matchAll(/\b(?:src|href)="([^"]*)"/g)];

  assert.equal(names.length, 4);

  for (const [, name] of names) {
    assert.ok(!/^(\/|[a-z]+:)/.test(name), name);
    assert.ok(existsSync(join(out, name)), name);
  }
});


test('nothing inline that the Content-Security-Policy forbids', () => {
  const page = text(join(out, 'index.html'));

  assert.doesNotMatch(page,
    /<script(?![^>]*\bsrc=)[^>]*>|<style|\bon\w+=|style="/);
});


/** @param {string[]} dirs of the sources @param {RegExp} pattern */
const own = (dirs, pattern) => dirs.flatMap((dir) => files(join(html, dir)))
  .filter((f) => pattern.test(f));


test('our own sources never make markup of text', () => {
  for (const file of own(['js'], /\.js$/)) {
    assert.doesNotMatch(text(file), new RegExp('innerHTML|outerHTML|'
      + 'insertAdjacentHTML|document\\.write|\\beval\\(|new Function'), file);
  }
});


test('our own sources know no outside address', () => {
  for (const file of own(['js', 'css', 'i18n'], /\.(js|css|json)$/)) {
    assert.doesNotMatch(text(file), /https?:\/\/|url\(/, file);
  }
});


test('the words are what they were, in every language', () => {
  for (const file of named(/i18n\/.*\.json$/)) {
    assert.deepEqual(JSON.parse(text(file)),
      JSON.parse(text(join(html, relative(out, file)))), file);
  }
});


test('each text file has its compressed twin', () => {
  for (const file of named(/\.(html|js|css|json|svg|txt)$/)) {
    assert.deepEqual(gunzipSync(readFileSync(`${file}.gz`)),
      readFileSync(file), file);
  }
});


test('at most 120 KB go over the wire', () => {
  const total = named(/\.gz$/).reduce((sum, f) => sum + statSync(f).size, 0);

  assert.ok(total <= 120 * 1024, `${total} bytes`);
});


test('the licences of all libraries are listed', () => {
  const list = text(join(out, 'licences.txt'));
  const { dependencies } = JSON.parse(text(join(html, 'package.json')));

  for (const [name, version] of Object.entries(dependencies)) {
    /* what makes the page is not in it */
    assert.ok(name === 'esbuild' || list.includes(`${name} ${version} (`),
      name);
  }
});


test('the lock files name no registry', () => {
  for (const lock of [join(html, 'package-lock.json'),
    join(html, '../t/ui/package-lock.json')]) {
    assert.doesNotMatch(text(lock), /"resolved"|https?:\/\/registry/, lock);
  }
});


test('it will not empty its own sources', () => {
  /* a copy: should the check ever fail, nothing is lost */
  const copy = join(base, 'copy/html');

  cpSync(html, copy, { recursive: true,
    filter: (file) => !file.includes('node_modules') });
  symlinkSync(join(html, 'node_modules'), join(copy, 'node_modules'));

  for (const bad of [copy, join(copy, 'js'), join(copy, '..')]) {
    assert.throws(() => execFileSync(process.execPath,
      [join(copy, 'build.mjs'), bad], { stdio: 'ignore' }));
  }

  assert.ok(existsSync(join(copy, 'js/main.js')));
});
