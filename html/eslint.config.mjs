import js from '@eslint/js';

const browser = Object.fromEntries(['AbortController', 'EventSource',
  'FormData',
  'Intl',
  'ResizeObserver', 'URL', 'URLSearchParams', 'addEventListener',
  'clearInterval', 'clearTimeout', 'crypto', 'devicePixelRatio',
  'document', 'fetch',
  'getComputedStyle', 'history', 'innerHeight', 'localStorage', 'location', 'matchMedia',
  'navigator', 'removeEventListener', 'setInterval', 'setTimeout',
].map((name) => [name, 'readonly']));

const node = Object.fromEntries(['console', 'process',
].map((name) => [name, 'readonly']));

export default [
  js.configs.recommended,
  {
    files: ['js/**/*.js'],
    languageOptions: { globals: browser },
    rules: {
      'eqeqeq': ['error', 'always', { null: 'ignore' }],
      'no-restricted-syntax': ['error', ...[
        'MemberExpression[property.name=/HTML$|^write(ln)?$/]',
        'MemberExpression[property.value=/HTML$|^write(ln)?$/]',
        'Property[key.name=/HTML$/]', 'Property[key.value=/HTML$/]',
        'TemplateElement[value.raw=/HTML=/]',
      ].map((selector) => ({ selector,
        message: 'Text from the host becomes text nodes only.' }))],
      'no-shadow': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['*.mjs'],
    languageOptions: { globals: node },
  },
];
