import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { tinyDirectory } from '../../src/local/models/index.js';

/** A text, its tokens and their text by the reference, Python's tokenizers. */
type Case = readonly [text: string, tokens: readonly number[], decoded: string];

/** One tokenizer of each common form. */
export const names = ['tiny', 'llama3', 'qwen3', 'llama2'] as const;

export type Name = (typeof names)[number];

const folder = new URL('../fixtures/tokenizers/', import.meta.url);

export const cases = JSON.parse(readFileSync(new URL('cases.json', folder), 'utf8')) as Record<Name, readonly Case[]>;

export function directoryOf(name: Name): string {
  return name === 'tiny' ? tinyDirectory : fileURLToPath(new URL(name, folder));
}
