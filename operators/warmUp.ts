import { invalidArgument } from '../src/errors.js';

/** Factor of the learning rate during the first `warmup` steps: (step + 1) / (warmup + 1), then 1. */
export function warmUp(step: number, warmup: number): number {
  return step < warmup ? (step + 1) / (warmup + 1) : 1;
}

/** How much of a decay over `steps` steps, warm-up included, is done at a step: from 0 to 1. */
export function decayed(step: number, warmup: number, steps: number): number {
  if (step >= steps) return 1;
  return step <= warmup ? 0 : (step - warmup) / (steps - warmup);
}

/** @throws TinkerError `invalid_argument` for a rate or a number of steps out of range */
export function checkSchedule(schedule: { rates: Record<string, number>; warmup: number; steps?: number }): void {
  const { rates, warmup, steps } = schedule;
  for (const [name, rate] of Object.entries(rates))
    if (!(rate >= 0 && rate < Infinity)) throw invalidArgument(`${name} to be a learning rate ≥ 0`, rate);
  if (steps !== undefined && !(Number.isInteger(steps) && steps >= 1))
    throw invalidArgument('steps to be a whole number ≥ 1', steps);
  if (!(Number.isInteger(warmup) && warmup >= 0 && warmup <= (steps ?? Infinity)))
    throw invalidArgument(`warmup to be a whole number from 0 to ${String(steps ?? 'Infinity')}`, warmup);
}
