import { writeFileSync } from 'node:fs';
import type { CommandContext } from '../commandContext.js';
import { TinkerError } from '../../errors.js';

/** Rows as CSV (RFC 4180, lines end with a line feed). */
export function csv(columns: readonly string[], rows: readonly Readonly<Record<string, unknown>>[]): string {
  return [columns, ...rows.map((row) => columns.map((column) => row[column]))]
    .map((line) => `${line.map(cell).join(',')}\n`)
    .join('');
}

/** Writes a text to a file, or to the output where the file is `-`. @throws TinkerError `invalid_config` */
export function writeTo(context: CommandContext, file: string, text: string): void {
  if (file === '-') {
    context.stdout.write(text);
    return;
  }
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new TinkerError('invalid_config', `The file ${file} can't be written. Check its path.`, { cause });
  }
  context.notice(`Wrote ${file}.`);
}

function cell(value: unknown): string {
  const json = value === undefined || value === null ? '' : JSON.stringify(value);
  const text = typeof value === 'string' ? value : json;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
