import {
  EMPTY,
  type Observable,
  Subject,
  catchError,
  concat,
  concatMap,
  defer,
  finalize,
  merge,
  mergeMap,
  observeOn,
  of,
  queueScheduler,
  range,
  takeWhile,
  throwError,
} from 'rxjs';
import { invalidArgument } from '../src/errors.js';
import { inStepOrder } from './inStepOrder.js';
import { pullBatches } from './pullBatches.js';
import { makeStepRunner } from './stepRunner.js';
import type { AnyTrainable, CustomTrainable, Trainable, WithMetrics } from './trainable.js';
import { type TrainStep, type TrainStepsOptions, checkTrainStepsOptions } from './trainStepsOptions.js';

/** A batch, or what makes one when its turn comes: subscribed to where it is asked for, for its first value. */
export type Batch<D> = readonly D[] | Observable<readonly D[]>;

/** Batches that are asked for one at a time. */
export type Batches<D> = Iterable<Batch<D>> | AsyncIterable<Batch<D>>;

/**
 * Trains on batches: for each a pass and an optimizer step, both subscribed to at once, in order.
 *
 * It pulls: a batch is asked for only when one of `depth` slots is free, and a slot is free again when its step was
 * emitted. With depth 2 the server computes a step while the next is on its way. A batch may be an Observable, which is
 * subscribed to when the steps before it were sent: so it can sample from the weights as they are then. What must see the weights of one step
 * is an option, `after`: it is subscribed to right after that step's optimizer step and before the next pass, and its
 * step is done when it is; so a checkpoint is the same at every depth. Operators downstream only observe.
 *
 * ```
 * batches    a b c|          asked for at 1, 2 and when the step of a is done
 * depth 2    f(a) o(a) f(b) o(b)
 *                     f(c) o(c)
 * output     -----a----b----(c|)    in the order of steps
 * ```
 *
 * On an error nothing more is sent, and it fails with `training_failed`: `details` hold the failed step, the last step
 * known to be applied, and the steps sent without a known outcome; `cause` is the error. An unsubscription stops the
 * pulling, calls `return` of the iterator, and unsubscribes from what is under way. Each subscription iterates anew.
 * A wrong option throws `invalid_argument` at the call.
 *
 * @param training what is trained, e.g. a TrainingClient; a loss given by name goes to its `forwardBackward`, any other
 *   to its `forwardBackwardCustom`
 *
 * @example
 * ```ts
 * trainSteps(training, batches, {
 *   loss: 'cross_entropy',
 *   adam: linearDecay({ from: 1e-4, steps: 500 }),
 *   depth: 2,
 *   after: [{ every: 20, do: ({ done }) => training.saveState(`after-${done}`) }],
 * }).subscribe(({ step, metrics }) => console.log(step, metrics['loss:sum']));
 * ```
 */
export function trainSteps<D, L extends string, A, O extends WithMetrics, P extends WithMetrics, C>(
  training: Trainable<D, L, A, O, P, C>,
  batches: Batches<D>,
  options: TrainStepsOptions<L, A, C>,
): Observable<TrainStep<D, O, P>>;
export function trainSteps<D, F extends object, A, O extends WithMetrics, P extends WithMetrics>(
  training: CustomTrainable<D, F, A, O, P>,
  batches: Batches<D>,
  options: TrainStepsOptions<F, A>,
): Observable<TrainStep<D, O, P>>;
export function trainSteps<D, L extends string, F extends object, A, O extends WithMetrics, P extends WithMetrics, C>(
  training: AnyTrainable<D, L, F, A, O, P, C>,
  batches: Batches<D>,
  options: TrainStepsOptions<L | F, A, C>,
): Observable<TrainStep<D, O, P>> {
  checkTrainStepsOptions(options);
  const { depth = 1, startStep = 0 } = options;
  if (!(Symbol.iterator in batches || Symbol.asyncIterator in batches))
    throw invalidArgument('batches to be an Iterable or AsyncIterable', batches, 'For an Observable use trainEach.');
  const makeRunner = makeStepRunner(training, options);
  return defer(() => {
    const runner = makeRunner();
    const pull = pullBatches(batches);
    const slotFree = new Subject<void>();
    // The subject comes first: a step that is done at once frees its slot while the first ones are still being filled.
    return merge(slotFree, range(0, depth)).pipe(
      // The queue scheduler unwinds: steps that are done at once would overflow the stack.
      observeOn(queueScheduler),
      concatMap(() => pull.next()),
      catchError((error: unknown) => throwError(() => runner.batchesFailed(error))),
      takeWhile((pulled) => pulled.done !== true),
      mergeMap(({ value }) => runner.run(value)),
      inStepOrder(startStep),
      mergeMap((step) =>
        concat(
          of(step),
          defer(() => {
            slotFree.next();
            return EMPTY;
          }),
        ),
      ),
      finalize(() => pull.close()),
    );
  });
}
