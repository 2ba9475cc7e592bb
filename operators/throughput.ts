import { type MonoTypeOperatorFunction, type SchedulerLike, asyncScheduler, defer, map } from 'rxjs';
import { invalidArgument } from '../src/errors.js';
import type { WithMetrics } from './trainable.js';

/** How {@link throughput} counts. */
export interface ThroughputOptions<T> {
  /** Tokens of one value. */
  readonly tokens: (value: T) => number;
  /** Values over which the rate is taken; default 10. */
  readonly window?: number;
  /** Default `asyncScheduler`. */
  readonly scheduler?: SchedulerLike;
}

/**
 * Adds the tokens per second over the latest `window` values, as `tokens_per_second`.
 *
 * Time counts from the value before the window, at first from the subscription; where none has passed the metric is not
 * added. Errors: `invalid_argument` at the call.
 *
 * @example
 * ```ts
 * trainSteps(training, batches, { loss: 'cross_entropy' }).pipe(
 *   throughput({ tokens: ({ batch }) => batch.reduce((sum, { modelInput }) => sum + modelInput.length, 0) }),
 * );
 * ```
 */
export function throughput<T extends WithMetrics>(options: ThroughputOptions<T>): MonoTypeOperatorFunction<T> {
  const { tokens, window = 10, scheduler = asyncScheduler } = options;
  if (!Number.isInteger(window) || window < 1) throw invalidArgument('window to be a whole number ≥ 1', window);
  return (source) =>
    defer(() => {
      const latest: { readonly tokens: number; readonly since: number }[] = [];
      let before = scheduler.now();
      return source.pipe(
        map((value) => {
          latest.push({ tokens: tokens(value), since: before });
          before = scheduler.now();
          if (latest.length > window) latest.shift();
          const elapsedMs = before - (latest[0]?.since ?? before);
          if (elapsedMs <= 0) return value;
          const rate = (1000 * latest.reduce((sum, one) => sum + one.tokens, 0)) / elapsedMs;
          return { ...value, metrics: { ...value.metrics, tokens_per_second: rate } };
        }),
      );
    });
}
