import { invalidArgument } from '../src/errors.js';

/** True for the last of each n steps: 19, 39, … for 20. */
export function isEvery(n: number, step: number): boolean {
  return (step + 1) % n === 0;
}

/** @throws TinkerError `invalid_argument` */
export function checkEvery(n: number): void {
  if (!Number.isInteger(n) || n < 1) throw invalidArgument('every to be a whole number of steps ≥ 1', n);
}
