import { readFileSync } from 'node:fs';

/** A row of the README's table "Every function". */
export interface FunctionRow {
  /** The documentation's name, e.g. `forward_backward`. */
  readonly name: string;
  /** The name here, e.g. `forwardBackward`. */
  readonly method: string;
  /** A line of TypeScript that uses it. */
  readonly line: string;
}

/** Reads the table from README.md. */
export function functionTable(): readonly FunctionRow[] {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const section = /^## Every function$(.*?)^## /ms.exec(readme)?.[1] ?? '';
  const row = /^\| `([^`]+)` +\| `([^`]+)` +\| `([^`]+)` +\|$/gm;
  return [...section.matchAll(row)].map(([, name = '', method = '', line = '']) => ({ name, method, line }));
}
