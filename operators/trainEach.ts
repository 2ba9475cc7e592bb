import { type OperatorFunction, catchError, defer, mergeMap, queueScheduler, subscribeOn, throwError } from 'rxjs';
import { inStepOrder } from './inStepOrder.js';
import { makeStepRunner } from './stepRunner.js';
import type { AnyTrainable, CustomTrainable, Trainable, WithMetrics } from './trainable.js';
import { type TrainStep, type TrainStepsOptions, checkTrainStepsOptions } from './trainStepsOptions.js';

/**
 * Trains on each batch that the source emits, as {@link trainSteps} does, with the same options, results and errors.
 *
 * An Observable can't be asked to wait: batches that come while all `depth` slots are taken are kept, without a limit.
 *
 * @example
 * ```ts
 * from(batches)
 *   .pipe(trainEach(training, { loss: 'cross_entropy', adam: constant({ learningRate: 1e-3 }) }))
 *   .subscribe(({ step, metrics }) => console.log(step, metrics));
 * ```
 */
export function trainEach<D, L extends string, A, O extends WithMetrics, P extends WithMetrics, C>(
  training: Trainable<D, L, A, O, P, C>,
  options: TrainStepsOptions<L, A, C>,
): OperatorFunction<readonly D[], TrainStep<D, O, P>>;
export function trainEach<D, F extends object, A, O extends WithMetrics, P extends WithMetrics>(
  training: CustomTrainable<D, F, A, O, P>,
  options: TrainStepsOptions<F, A>,
): OperatorFunction<readonly D[], TrainStep<D, O, P>>;
export function trainEach<D, L extends string, F extends object, A, O extends WithMetrics, P extends WithMetrics, C>(
  training: AnyTrainable<D, L, F, A, O, P, C>,
  options: TrainStepsOptions<L | F, A, C>,
): OperatorFunction<readonly D[], TrainStep<D, O, P>> {
  checkTrainStepsOptions(options);
  const { depth = 1, startStep = 0 } = options;
  const makeRunner = makeStepRunner(training, options);
  return (batches) =>
    defer(() => {
      const runner = makeRunner();
      return batches.pipe(
        catchError((error: unknown) => throwError(() => runner.batchesFailed(error))),
        // The queue scheduler unwinds: steps that are done at once would overflow the stack.
        mergeMap((batch) => runner.run(batch).pipe(subscribeOn(queueScheduler)), depth),
        inStepOrder(startStep),
      );
    });
}
