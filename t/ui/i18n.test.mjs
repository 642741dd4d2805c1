/* Every key the page uses has its words in every language, and no other */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const html = join(dirname(fileURLToPath(import.meta.url)), '../../html');
const words = Object.fromEntries(['en', 'zh'].map((lang) => [lang,
  JSON.parse(readFileSync(join(html, `i18n/${lang}.json`), 'utf8'))]));

/* the forms of a number's sentence in each language */
const forms = { en: ['one', 'other'], zh: ['other'] };


function sources(dir = join(html, 'js')) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => (
    entry.isDirectory() ? sources(join(dir, entry.name))
      : [readFileSync(join(dir, entry.name), 'utf8')]));
}


/** @param {string} text of i18n.js @returns {Record<string, string[]>} */
function sets(text) {
  const body = /export const SETS = (\{[\s\S]*?\n\});/.exec(text);

  assert.ok(body, 'i18n.js has SETS');

  return new Function(`return ${body[1]}`)();
}


/** @param {string[]} texts @param {string} lang @returns {Set<string>} */
function used(texts, lang) {
  const code = texts.join('\n');
  const keys = new Set();

  /* t('a.b'), and keys that are stored first: 'form.both', { key: 'x.y' } */
  for (const [, key] of code.matchAll(/'([a-z]+\.[a-z_0-9]+)'/g)) {
    keys.add(key);
  }

  keys.delete('procmgr.theme');     /* a name in the browser's storage */

  for (const [, key] of code.matchAll(/\btn\('([a-z.]+)'/g)) {
    keys.delete(key);
    forms[lang].forEach((form) => keys.add(`${key}.${form}`));
  }

  for (const [set, members] of Object.entries(sets(code))) {
    members.forEach((member) => keys.add(`${set}.${member}`));
  }

  /* t(`line.${key}`): any key below the prefix may be meant */
  for (const [, prefix] of code.matchAll(/\bt\(`([a-z]+)\.\$\{/g)) {
    Object.keys(words[lang]).filter((key) => key.startsWith(`${prefix}.`))
      .forEach((key) => keys.add(key));
  }

  return keys;
}


const texts = sources();

for (const lang of Object.keys(words)) {
  test(`${lang}: no key is missing`, () => {
    const missing = [...used(texts, lang)]
      .filter((key) => !(key in words[lang]));

    assert.deepEqual(missing, []);
  });

  test(`${lang}: no key is unused`, () => {
    const keys = used(texts, lang);

    assert.deepEqual(Object.keys(words[lang])
      .filter((key) => !keys.has(key)), []);
  });

  test(`${lang}: no words are empty, keys stand in order`, () => {
    const keys = Object.keys(words[lang]);

    assert.deepEqual(keys.filter((key) => !words[lang][key].trim()), []);
    assert.deepEqual(keys, [...keys].sort());
  });
}


test('the same values stand in the words of all languages', () => {
  const values = (text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();

  for (const key of Object.keys(words.zh)) {
    assert.deepEqual(values(words.zh[key]), values(words.en[key]), key);
  }
});


test('each code of the server\'s problems has its sentence', () => {
  const told = readFileSync(join(html,
    '../src/http/ngx_http_procmgr_openapi_text.c'), 'utf8');
  const codes = [...told.matchAll(
    /\{ [45]\d\d, "\w+",\s*((?:"[a-z_ ]+"\s*)+),/g)]
    .flatMap(([, text]) => text.match(/\w+/g) ?? []);

  assert.ok(codes.length > 30);
  assert.deepEqual(codes.filter((code) => !(`code.${code}` in words.en)), []);
});


test('the check itself finds a missing and an unused key', () => {
  const keys = used([...texts, "t('nav.nothing')"], 'en');

  assert.ok(keys.has('nav.nothing') && !('nav.nothing' in words.en));
  assert.ok(!keys.has('nav.spare'));
});
