import { type Observable, map, switchMap } from 'rxjs';
import {
  type ShuffledBatchesOptions,
  type TrainStep,
  type TrainStepsOptions,
  shuffledBatches,
  trainSteps,
} from '../../../operators/index.js';
import type { TrainingClient } from '../../clients/training.js';
import { TinkerError } from '../../errors.js';
import type { AdamParams, Datum, ForwardBackwardOutput, OptimStepOutput } from '../../wire/index.js';
import { dpoLoss } from './dpoLoss.js';

/** Two answers to one prompt, as data with target tokens and weights. */
export interface Preference {
  readonly chosen: Datum;
  readonly rejected: Datum;
}

/** Options of {@link dpo}. */
export interface DpoOptions
  extends ShuffledBatchesOptions, Omit<TrainStepsOptions<never, AdamParams>, 'loss' | 'lossConfig'> {
  /** How strongly the policy is held to where it began; default 0.1. */
  readonly beta?: number;
}

/**
 * Direct preference optimization: learns from pairs which of two answers is better; the weights that it begins with are
 * the reference, whose logprobs are computed once, before the first step.
 *
 * @example
 * ```ts
 * const answer = (token: number): Datum => ({
 *   modelInput: ModelInput.fromTokens([1, 2]),
 *   lossFnInputs: { targetTokens: [2, token], weights: [0, 1] },
 * });
 * dpo(training, [{ chosen: answer(7), rejected: answer(8) }], {
 *   batchSize: 1,
 *   epochs: 4,
 *   adam: { learningRate: 1e-3 },
 * }).subscribe(({ step, metrics }) => console.log(step, metrics['accuracy:mean'], metrics['margin:mean']));
 * ```
 */
export function dpo(
  training: TrainingClient,
  pairs: readonly Preference[],
  options: DpoOptions,
): Observable<TrainStep<Datum, ForwardBackwardOutput, OptimStepOutput>> {
  const { beta, ...rest } = options;
  const loss = dpoLoss(beta === undefined ? {} : { beta });
  const batches = shuffledBatches(
    pairs.map((_, index) => index),
    options,
  );
  return training
    .forward(
      pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]),
      'cross_entropy',
    )
    .pipe(
      map(({ lossFnOutputs }) =>
        pairs.map(({ chosen, rejected }, index) => [
          withReference(chosen, lossFnOutputs[2 * index]),
          withReference(rejected, lossFnOutputs[2 * index + 1]),
        ]),
      ),
      switchMap((data) => trainSteps(training, dataOf(batches, data), { ...rest, loss })),
    );
}

function* dataOf(
  batches: Iterable<readonly number[]>,
  data: readonly (readonly Datum[])[],
): Iterable<readonly Datum[]> {
  for (const batch of batches) yield batch.flatMap((index) => data[index] ?? []);
}

function withReference(datum: Datum, output: ForwardBackwardOutput['lossFnOutputs'][number] | undefined): Datum {
  if (output?.logprobs === undefined)
    throw new TinkerError('invalid_response', 'Expected logprobs of each datum in the result of forward, got none.');
  return { ...datum, lossFnInputs: { ...datum.lossFnInputs, ref: output.logprobs } };
}
