import type { DecayOptions } from './linearDecay.js';
import type { Schedule, WithLearningRate } from './schedule.js';
import { checkSchedule, decayed, warmUp } from './warmUp.js';

/**
 * A schedule whose learning rate falls by half a cosine: to + (from − to) · (1 + cos πt) / 2 with
 * t = (step − warmup) / (steps − warmup).
 *
 * Before that, during the warm-up, it is from · (step + 1) / (warmup + 1). Errors: `invalid_argument` at the call.
 * Source: Loshchilov and Hutter, SGDR (2017), equation 5, without restarts.
 *
 * @example
 * ```ts
 * const adam = cosineDecay({ from: 1e-4, to: 1e-5, steps: 500 });
 * adam(250); // { learningRate: 5.5e-5 }
 * ```
 */
export function cosineDecay<A extends object>(
  options: DecayOptions & A,
): Schedule<Omit<A, keyof DecayOptions> & WithLearningRate> {
  const { from, to = 0, steps, warmup = 0, ...rest } = options;
  checkSchedule({ rates: { from, to }, warmup, steps });
  return (step) => ({
    ...rest,
    learningRate:
      warmUp(step, warmup) * (to + ((from - to) * (1 + Math.cos(Math.PI * decayed(step, warmup, steps)))) / 2),
  });
}
