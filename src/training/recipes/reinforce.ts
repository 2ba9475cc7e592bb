import { type Observable, map } from 'rxjs';
import { type TrainStep, type TrainStepsOptions, trainSteps } from '../../../operators/index.js';
import type { TrainingClient } from '../../clients/training.js';
import type { AdamParams, ForwardBackwardOutput, LossConfig, LossName, OptimStepOutput } from '../../wire/index.js';
import { meanOf } from './groupAdvantages.js';
import { type PolicyBatchesOptions, policyBatches } from './policyBatches.js';
import type { PolicyDatum } from './policyDatum.js';
import type { Problem } from './problem.js';

/** Options of {@link reinforce}; `loss` is `importance_sampling` by default. */
export interface ReinforceOptions
  extends PolicyBatchesOptions, Omit<TrainStepsOptions<LossName, AdamParams, LossConfig>, 'loss' | 'startStep'> {
  readonly loss?: LossName;
}

/** One step of {@link reinforce}; its batch holds the samples and their rewards. */
export type PolicyStep = TrainStep<PolicyDatum, ForwardBackwardOutput, OptimStepOutput>;

/**
 * Reinforcement learning with verifiable rewards: for each step it samples groups from the weights as they are, rewards
 * the samples, and trains by the policy gradient on how much better each is than its group.
 *
 * Adds the metrics of {@link policyMetrics}. Errors and unsubscription are those of `trainSteps`.
 *
 * @param problems - The problems of each step.
 * @example
 * ```ts
 * const problem: Problem = { prompt, reward: ({ tokens }) => (tokens.includes(7) ? 1 : 0) };
 * reinforce(training, [[problem], [problem]], {
 *   groupSize: 8,
 *   samplingParams: { maxTokens: 2, seed: 1 },
 *   adam: { learningRate: 1e-3 },
 * }).subscribe(({ step, metrics }) => console.log(step, metrics['reward:mean']));
 * ```
 */
export function reinforce(
  training: TrainingClient,
  problems: Iterable<readonly Problem[]>,
  options: ReinforceOptions,
): Observable<PolicyStep> {
  const { loss = 'importance_sampling' } = options;
  const batches = policyBatches(training, problems, options);
  return trainSteps<PolicyDatum, LossName, AdamParams, ForwardBackwardOutput, OptimStepOutput, LossConfig>(
    training,
    batches,
    { ...options, loss },
  ).pipe(map((step) => ({ ...step, metrics: { ...step.metrics, ...policyMetrics(step.batch) } })));
}

/**
 * What a batch of samples says: `reward:mean`, `sampled_tokens:sum`, and `kl_reference:mean`, the mean over the tokens
 * of log p − log q, where there is a reference.
 */
export function policyMetrics(batch: readonly PolicyDatum[]): Readonly<Record<string, number>> {
  const tokens = batch.reduce((sum, { rollout }) => sum + rollout.sample.tokens.length, 0);
  const distance = batch.reduce(
    (sum, { referenceKl = NaN, rollout }) => sum + referenceKl * rollout.sample.tokens.length,
    0,
  );
  return {
    'reward:mean': meanOf(batch.map(({ rollout }) => rollout.reward)),
    'sampled_tokens:sum': tokens,
    ...(!Number.isNaN(distance) && tokens > 0 && { 'kl_reference:mean': distance / tokens }),
  };
}
