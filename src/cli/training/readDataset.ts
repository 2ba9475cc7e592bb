import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, TinkerError } from '../../errors.js';
import type { Datum } from '../../wire/index.js';
import { type Example, type ExampleOptions, datumOf, readExample } from './example.js';

/** A file of examples. */
export interface Dataset {
  readonly file: string;
  readonly examples: readonly { readonly line: number; readonly example: Example }[];
  /** SHA-256 of the file. */
  readonly digest: string;
}

/**
 * Reads a JSONL file of examples: `{"messages": […]}`, `{"text": …}` or `{"prompt": …, "completion": …}` a line.
 *
 * @throws TinkerError `invalid_config` for a file that can't be read, `invalid_argument` that names the line
 */
export function readDataset(file: string): Dataset {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new TinkerError('invalid_config', `The file ${file} can't be read. Check its path.`, { cause });
  }
  const examples = decode(bytes, file)
    .split('\n')
    .flatMap((text, index) => (text.trim() === '' ? [] : [{ line: index + 1, example: parse(text, file, index + 1) }]));
  if (examples.length === 0) {
    throw new TinkerError('invalid_argument', `Expected examples in ${file}, one a line, got none. Add at least one.`);
  }
  return { file, examples, digest: createHash('sha256').update(bytes).digest('hex') };
}

/** The examples as data for `cross_entropy`. @throws TinkerError `invalid_argument` that names the line */
export function tokenize({ file, examples }: Dataset, options: ExampleOptions): Datum[] {
  return examples.map(({ line, example }) => {
    try {
      return datumOf(example, options);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new TinkerError('invalid_argument', `${file}, line ${line}: ${why}`, { cause });
    }
  });
}

/** The text of a file, without a byte order mark. */
function decode(bytes: Buffer, file: string): string {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    const lines = bytes.toString('latin1').split('\n');
    const line = lines.findIndex((text) => !isUtf8(Buffer.from(text, 'latin1'))) + 1;
    throw new TinkerError(
      'invalid_argument',
      `Expected UTF-8 in ${file}, line ${line}, got other bytes. Save the file as UTF-8.`,
      { cause },
    );
  }
}

function parse(text: string, file: string, line: number): Example {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TinkerError(
      'invalid_argument',
      `Expected JSON in ${file}, line ${line}, got ${describe(text)}. Correct the line, or take it out.`,
      { cause },
    );
  }
  const example = readExample(value);
  if (example !== undefined) return example;
  throw new TinkerError(
    'invalid_argument',
    `Expected {"messages": [{"role", "content"}, …]}, {"text"} or {"prompt", "completion"}, all of them texts that are ` +
      `not empty, in ${file}, line ${line}, got ${describe(JSON.stringify(value))}. Correct the line, or take it out.`,
  );
}
