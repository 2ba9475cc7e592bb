import { type Observable, defer, ignoreElements, map, tap } from 'rxjs';
import {
  type ShuffledBatchesOptions,
  type TrainStep,
  type TrainStepsOptions,
  shuffledBatches,
  trainSteps,
} from '../../../operators/index.js';
import type { TrainingClient } from '../../clients/training.js';
import {
  type AdamParams,
  type Datum,
  type ForwardBackwardOutput,
  type OptimStepOutput,
  toTensorData,
} from '../../wire/index.js';

/** Options of {@link fineTune}. */
export interface FineTuneOptions
  extends ShuffledBatchesOptions, Omit<TrainStepsOptions<never, AdamParams>, 'loss' | 'lossConfig'> {
  /** Data that are not trained on: their loss is computed after every so many steps. */
  readonly evaluate?: { readonly data: readonly Datum[]; readonly every: number };
}

/**
 * Supervised fine-tuning: trains on shuffled batches of the data under cross-entropy.
 *
 * Adds `loss:mean`, the loss of a token that is trained on, and after a step that is evaluated `eval_loss:mean`. Errors
 * and unsubscription are those of `trainSteps`.
 *
 * @example
 * ```ts
 * fineTune(training, data, { batchSize: 4, epochs: 2, adam: { learningRate: 1e-3 } }).subscribe(({ step, metrics }) =>
 *   console.log(step, metrics['loss:mean']),
 * );
 * ```
 */
export function fineTune(
  training: TrainingClient,
  data: readonly Datum[],
  options: FineTuneOptions,
): Observable<TrainStep<Datum, ForwardBackwardOutput, OptimStepOutput>> {
  const { evaluate, after = [], ...rest } = options;
  return defer(() => {
    const evaluated = new Map<number, number>();
    const hook = evaluate && {
      every: evaluate.every,
      do: ({ step }: { readonly step: number }) =>
        training.forward(evaluate.data, 'cross_entropy').pipe(
          tap(({ metrics }) => evaluated.set(step, lossPerToken(metrics, evaluate.data))),
          ignoreElements(),
        ),
    };
    return trainSteps(training, shuffledBatches(data, options), {
      ...rest,
      loss: 'cross_entropy',
      after: hook === undefined ? after : [...after, hook],
    }).pipe(
      map((step) => {
        const evaluation = evaluated.get(step.step);
        const metrics = { ...step.metrics, 'loss:mean': lossPerToken(step.metrics, step.batch) };
        return { ...step, metrics: evaluation === undefined ? metrics : { ...metrics, 'eval_loss:mean': evaluation } };
      }),
    );
  });
}

function lossPerToken(metrics: Readonly<Record<string, number>>, data: readonly Datum[]): number {
  return (metrics['loss:sum'] ?? NaN) / data.reduce((sum, datum) => sum + weightOf(datum), 0);
}

/** The sum of a datum's weights; without any each token but the first counts. */
function weightOf({ modelInput, lossFnInputs }: Datum): number {
  if (lossFnInputs?.weights === undefined) return modelInput.length - 1;
  return toTensorData(lossFnInputs.weights, 'float32', 'weights')
    .toArray()
    .reduce((sum, weight) => sum + weight, 0);
}
