import { type MonoTypeOperatorFunction, defer, map } from 'rxjs';
import { invalidArgument } from '../src/errors.js';
import type { WithMetrics } from './trainable.js';

/**
 * Adds the mean of a metric over the latest `window` values that have it, as `<key>:average`.
 *
 * The first values are averaged over what there is; a value without the metric passes unchanged and does not count.
 * Errors: `invalid_argument` at the call.
 *
 * @example
 * ```ts
 * trainSteps(training, batches, { loss: 'cross_entropy' }).pipe(movingAverage('loss:sum', 20)).subscribe(({ metrics }) => {
 *   console.log(metrics['loss:sum'], metrics['loss:sum:average']);
 * });
 * ```
 */
export function movingAverage<T extends WithMetrics>(key: string, window: number): MonoTypeOperatorFunction<T> {
  if (!Number.isInteger(window) || window < 1) throw invalidArgument('window to be a whole number ≥ 1', window);
  return (source) =>
    defer(() => {
      const latest: number[] = [];
      return source.pipe(
        map((value) => {
          const current = value.metrics[key];
          if (current === undefined) return value;
          latest.push(current);
          if (latest.length > window) latest.shift();
          // Summed anew each time: a running sum would drift, and one NaN would stay in it for good.
          const average = latest.reduce((sum, one) => sum + one, 0) / latest.length;
          return { ...value, metrics: { ...value.metrics, [`${key}:average`]: average } };
        }),
      );
    });
}
