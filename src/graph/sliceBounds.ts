/** Bounds within 0 … size, as `Array.slice` reads them. */
export function sliceBounds(size: number, start: number, end: number | undefined): readonly [number, number] {
  const inside = (bound: number): number => Math.min(size, Math.max(0, bound < 0 ? bound + size : bound));
  const from = inside(start);
  return [from, Math.max(from, end === undefined ? size : inside(end))];
}
