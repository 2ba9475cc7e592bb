import { type ObservableInput, type OperatorFunction, concatMap, filter, of } from 'rxjs';
import { checkEvery, isEvery } from './isEvery.js';

/**
 * Keeps every n-th step: those after which the number of steps, counted from 0, is a multiple of n.
 *
 * With `project` it emits what that gives for them, one after another. It only observes: what must see the weights of
 * just this step belongs into `after` of {@link trainSteps}. Errors: `invalid_argument` at the call.
 *
 * @example
 * ```ts
 * trainSteps(training, batches, { loss: 'cross_entropy', adam: constant({ learningRate: 1e-3 }) })
 *   .pipe(everySteps(2))
 *   .subscribe(({ step, metrics }) => console.log(step + 1, metrics)); // 2, 4, …
 * ```
 */
export function everySteps<T extends { readonly step: number }>(n: number): OperatorFunction<T, T>;
export function everySteps<T extends { readonly step: number }, R>(
  n: number,
  project: (value: T) => ObservableInput<R>,
): OperatorFunction<T, R>;
export function everySteps<T extends { readonly step: number }>(
  n: number,
  project: (value: T) => ObservableInput<unknown> = (value) => of(value),
): OperatorFunction<T, unknown> {
  checkEvery(n);
  return (source) =>
    source.pipe(
      filter(({ step }) => isEvery(n, step)),
      concatMap((value) => project(value)),
    );
}
