import rxjsX from 'eslint-plugin-rxjs-x';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const nodeGlobals = ['process', 'console', 'URL', 'Buffer', 'setTimeout', 'clearTimeout', 'performance', 'fetch'];

const browserGlobals = [
  ...[
    'document',
    'navigator',
    'localStorage',
    'performance',
    'fetch',
    'EventSource',
    'Worker',
    'setTimeout',
    'clearTimeout',
  ],
  ...['setInterval', 'matchMedia', 'getComputedStyle', 'requestAnimationFrame'],
  ...['IntersectionObserver', 'ResizeObserver'],
];
const readonly = (names) => Object.fromEntries(names.map((name) => [name, 'readonly']));

/** Rules for JavaScript that the compiler does not see. */
const plainRules = {
  eqeqeq: 'error',
  'no-undef': 'error',
  'no-unused-vars': 'error',
  'no-unreachable': 'error',
  'no-var': 'error',
  'prefer-const': 'error',
};

const doubleAssertion = {
  selector: 'TSAsExpression[expression.type="TSAsExpression"][expression.typeAnnotation.type="TSUnknownKeyword"]',
  message: 'A cast through unknown hides a type error: narrow or parse the value.',
};
const defaultExport = {
  selector: 'ExportDefaultDeclaration',
  message: 'Named exports only: a file is named after what it exports.',
};

const timeMessage = 'Take time from the injected SchedulerLike, so that virtual time works.';
const randomMessage = 'Take randomness from an injected seed or crypto, so that a run can be repeated.';

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', '**/*_pb.ts']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked, rxjsX.configs.strict],
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['vitest.config.ts'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      eqeqeq: 'error',
      // A number in a message reads as it is; other values still have to be formatted.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `() => subject.next()` is how callbacks are written in streams.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', ignoreRestSiblings: true, caughtErrors: 'all' },
      ],
      // An operator passes on what it caught, and what it caught is unknown.
      'rxjs-x/throw-error': ['error', { allowThrowingAny: false, allowThrowingUnknown: true }],
      // Asks for `!`, which no-non-null-assertion forbids.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
    },
  },
  {
    files: ['src/**/*.ts', 'operators/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', doubleAssertion, defaultExport] },
  },
  {
    files: ['src/clients/**/*.ts', 'src/futures/**/*.ts', 'src/training/**/*.ts', 'operators/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'setInterval', 'setImmediate'].map((name) => ({ name, message: timeMessage })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: timeMessage },
        { object: 'performance', property: 'now', message: timeMessage },
        { object: 'Math', property: 'random', message: randomMessage },
        ...['setTimeout', 'setInterval', 'setImmediate'].map((property) => ({
          object: 'globalThis',
          property,
          message: timeMessage,
        })),
      ],
      'no-restricted-syntax': [
        'error',
        doubleAssertion,
        defaultExport,
        { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: timeMessage },
      ],
    },
  },
  {
    files: ['examples/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['../*'], message: 'An example imports what a user can: rxtinker and its entries.' }] },
      ],
    },
  },
  {
    files: ['test/**/*.ts', 'examples/**/*.ts'],
    rules: {
      // What reads the only value of a stream there fails by itself where there is none.
      'rxjs-x/no-ignored-default-value': 'off',
      // An error that no test listens for fails it; what is thrown is known there.
      'rxjs-x/no-ignored-error': 'off',
      'rxjs-x/no-implicit-any-catch': 'off',
    },
  },
  {
    files: ['**/*.{mjs,cjs}'],
    languageOptions: { globals: readonly([...nodeGlobals, 'module', 'require']) },
    rules: plainRules,
  },
  {
    files: ['src/dashboard/page/*.js', 'examples/browser/*.js'],
    languageOptions: { globals: readonly(browserGlobals) },
    rules: plainRules,
  },
);
