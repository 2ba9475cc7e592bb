import { expect } from 'vitest';

/** Expects two lists of numbers to be as long, and equal to a relative tolerance (absolute below 1). */
export function expectClose(
  got: ArrayLike<number | bigint>,
  wanted: ArrayLike<number | bigint>,
  tolerance: number,
): void {
  expect(got.length).toBe(wanted.length);
  const distances = Array.from(wanted, (value, index) => {
    const size = Math.max(1, Math.abs(Number(value)));
    return Math.abs(Number(got[index]) - Number(value)) / size;
  });
  expect(Math.max(0, ...distances.map((distance) => (Number.isNaN(distance) ? Infinity : distance)))).toBeLessThan(
    tolerance,
  );
}
