import type { Schedule, WithLearningRate } from './schedule.js';
import { checkSchedule, decayed, warmUp } from './warmUp.js';

/** Options of a decaying schedule; further optimizer parameters are passed on as they are. */
export interface DecayOptions {
  /** Learning rate at its highest. */
  readonly from: number;
  /** Learning rate from step `steps` on; default 0. */
  readonly to?: number;
  /** Steps in all, warm-up included. */
  readonly steps: number;
  /** Steps over which the rate rises linearly to `from`; default 0. */
  readonly warmup?: number;
}

/**
 * A schedule whose learning rate falls in a straight line: from + (to − from) · (step − warmup) / (steps − warmup).
 *
 * Before that, during the warm-up, it is from · (step + 1) / (warmup + 1). Errors: `invalid_argument` at the call.
 *
 * @example
 * ```ts
 * const adam = linearDecay({ from: 1e-4, steps: 500, warmup: 20, weightDecay: 0.01 });
 * adam(20); // { learningRate: 1e-4, weightDecay: 0.01 }
 * ```
 */
export function linearDecay<A extends object>(
  options: DecayOptions & A,
): Schedule<Omit<A, keyof DecayOptions> & WithLearningRate> {
  const { from, to = 0, steps, warmup = 0, ...rest } = options;
  checkSchedule({ rates: { from, to }, warmup, steps });
  return (step) => ({
    ...rest,
    learningRate: warmUp(step, warmup) * (from + (to - from) * decayed(step, warmup, steps)),
  });
}
