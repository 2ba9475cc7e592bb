import type { Schedule, WithLearningRate } from './schedule.js';
import { checkSchedule, warmUp } from './warmUp.js';

/** Options of {@link constant}; further optimizer parameters are passed on as they are. */
export interface ConstantOptions {
  readonly learningRate: number;
  /** Steps over which the rate rises linearly to `learningRate`; default 0. */
  readonly warmup?: number;
}

/**
 * A schedule of one learning rate, after a linear warm-up.
 *
 * Errors: `invalid_argument` at the call.
 *
 * @example
 * ```ts
 * trainSteps(training, batches, { loss: 'cross_entropy', adam: constant({ learningRate: 1e-4, warmup: 10 }) });
 * ```
 */
export function constant<A extends object>(
  options: ConstantOptions & A,
): Schedule<Omit<A, keyof ConstantOptions> & WithLearningRate> {
  const { learningRate, warmup = 0, ...rest } = options;
  checkSchedule({ rates: { learningRate }, warmup });
  return (step) => ({ ...rest, learningRate: learningRate * warmUp(step, warmup) });
}
