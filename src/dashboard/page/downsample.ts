/** A line through points, x in ascending order. */
export interface Line {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/**
 * Thins out a line to what can be seen of it: the first, least, greatest and last point of each of so many equal
 * stretches of x, and one point before and after the range, so that the line leaves the picture on both sides.
 *
 * A line drawn in as many pixels looks the same (M4: Jugel et al., VLDB 2014, https://doi.org/10.14778/2732951.2732953).
 * Points without a value are left out.
 */
export function downsample(
  x: readonly number[],
  y: readonly (number | null)[],
  range: { readonly from: number; readonly to: number; readonly stretches: number },
): Line {
  const kept: { x: number[]; y: number[] } = { x: [], y: [] };
  const keep = (index: number): void => {
    const value = y[index];
    const at = x[index];
    if (value === null || value === undefined || at === undefined) return;
    kept.x.push(at);
    kept.y.push(value);
  };
  const begin = Math.max(0, firstFrom(x, range.from) - 1);
  const end = Math.min(x.length, firstAfter(x, range.to) + 1);
  const width = (range.to - range.from) / range.stretches;
  const stretchOf = (index: number): number => Math.floor(((x[index] ?? 0) - range.from) / width);
  if (!(width > 0) || end - begin <= 4 * range.stretches) {
    for (let index = begin; index < end; index++) keep(index);
    return kept;
  }
  let start = begin;
  while (start < end) {
    const stretch = stretchOf(start);
    let least = -1;
    let greatest = -1;
    let first = -1;
    let last = -1;
    let index = start;
    for (; index < end && stretchOf(index) === stretch; index++) {
      const value = y[index];
      if (value === null || value === undefined) continue;
      if (first < 0) first = index;
      last = index;
      if (least < 0 || value < (y[least] ?? value)) least = index;
      if (greatest < 0 || value > (y[greatest] ?? value)) greatest = index;
    }
    if (first >= 0) {
      for (const one of [...new Set([first, least, greatest, last])].sort((a, b) => a - b)) keep(one);
    }
    start = index;
  }
  return kept;
}

/** Index of the first x ≥ the bound. */
function firstFrom(x: readonly number[], bound: number): number {
  return firstWhere(x, (value) => value >= bound);
}

/** Index of the first x > the bound. */
function firstAfter(x: readonly number[], bound: number): number {
  return firstWhere(x, (value) => value > bound);
}

function firstWhere(x: readonly number[], holds: (value: number) => boolean): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(x[middle] ?? Infinity)) high = middle;
    else low = middle + 1;
  }
  return low;
}
