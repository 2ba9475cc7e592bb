/** A column of a table: its title, and what stands in it. */
export type Column<T> = readonly [title: string, cell: (row: T) => string | number | undefined];

/** Rows as aligned text, numbers to the right; a line that says so where there are none. */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[], none: string): string {
  if (rows.length === 0) return none;
  const titles = columns.map(([title]) => title.toUpperCase());
  const cells = rows.map((row) => columns.map(([, cell]) => cell(row)));
  const texts = cells.map((row) => row.map((value) => (value === undefined ? '-' : String(value))));
  const widths = titles.map((title, at) => Math.max(title.length, ...texts.map((row) => row[at]?.length ?? 0)));
  const isNumber = columns.map((_, at) => cells.some((row) => typeof row[at] === 'number'));
  const line = (row: readonly string[]): string =>
    row
      .map((text, at) => (isNumber[at] === true ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd();
  return [titles, ...texts].map(line).join('\n');
}

/** Names and values below each other; those that are undefined are left out. */
export function fields(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  const width = Math.max(...given.map(([name]) => name.length));
  return given.map(([name, value]) => `${`${name}:`.padEnd(width + 1)} ${String(value)}`).join('\n');
}
