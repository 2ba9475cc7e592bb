import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

/** First groups of all matches in a part of a text. */
const found = (text: string, part: RegExp, pattern: RegExp): string[] =>
  [...(part.exec(text)?.[1] ?? '').matchAll(pattern)].map(([, name = '']) => name).sort();

test('the README explains every error code, and no other', () => {
  const codes = found(read('src/errors.ts'), /type TinkerErrorCode =(.*?);$/ms, /\| '(\w+)'/g);
  const explained = found(read('README.md'), /^## Errors$(.*?)^## /ms, /^\| `(\w+)`/gm);
  expect(codes.length).toBeGreaterThan(20);
  expect(explained).toEqual(codes);
});
