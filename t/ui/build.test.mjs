/* What html/build.mjs lays out may be served as it is, anywhere */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync,
  statSync } from 'node:fs';
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


test('every import leads to a file', () => {
  for (const file of named(/\.js$/)) {
    for (const [, name] of text(file).matchAll(
      /\b(?:from|import)\s*['"]([^'"]+)['"]/g)) {
      assert.match(name, /^\.\.?\//, `${relative(out, file)}: ${name}`);
      assert.ok(existsSync(join(dirname(file), name)),
        `${relative(out, file)}: ${name}`);
    }
  }
});


test('the page names files that are there, by relative addresses', () => {
  const page = text(join(out, 'index.html'));
  const names = [...page.matchAll(/\b(?:src|href)="([^"]*)"/g)];

  assert.ok(names.length > 10);

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


test('our own sources never make markup of text', () => {
  for (const file of named(/\/js\/.*\.js$/)) {
    assert.doesNotMatch(text(file), new RegExp('innerHTML|outerHTML|'
      + 'insertAdjacentHTML|document\\.write|\\beval\\(|new Function'), file);
  }
});


test('our own sources know no outside address', () => {
  for (const file of named(/\/(js|css|i18n)\/.*\.(js|css|json)$/)) {
    assert.doesNotMatch(text(file), /https?:\/\/|url\(/, file);
  }
});


test('comments are left out, and nothing else of the code', () => {
  const code = (file) => text(file).replace(/\/\*(?:(?!\*\/)[^])*\*\//g, '')
    .replace(/\bfrom '[^']*'/g, '').replace(/\s+/g, ' ').trim();

  for (const file of named(/\/(js|css)\/.*\.(js|css)$/)) {
    const source = join(html, relative(out, file));

    assert.equal(code(file), code(source), file);
    assert.ok(statSync(file).size < statSync(source).size, file);
  }
});


test('each text file has its compressed twin', () => {
  for (const file of named(/\.(html|js|css|json|svg|txt)$/)) {
    assert.deepEqual(gunzipSync(readFileSync(`${file}.gz`)),
      readFileSync(file), file);
  }
});


test('at most 120 KB go over the wire', () => {
  const size = (pattern) => named(pattern).map((f) => statSync(f).size);
  const sum = (sizes) => sizes.reduce((a, b) => a + b, 0);

  /* all views; of the languages the larger one */
  const total = sum(size(/\.gz$/)) - sum(size(/licences\.txt\.gz$/))
    - Math.min(...size(/i18n\/.*\.gz$/));

  assert.ok(total <= 120 * 1024, `${total} bytes`);
});


test('the licences of all libraries are listed', () => {
  const list = text(join(out, 'licences.txt'));
  const { dependencies } = JSON.parse(text(join(html, 'package.json')));

  for (const [name, version] of Object.entries(dependencies)) {
    assert.ok(list.includes(`${name} ${version} (`), name);
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

  for (const bad of [copy, join(copy, 'js'), join(copy, '..')]) {
    assert.throws(() => execFileSync(process.execPath,
      [join(copy, 'build.mjs'), bad], { stdio: 'ignore' }));
  }

  assert.ok(existsSync(join(copy, 'js/main.js')));
});
