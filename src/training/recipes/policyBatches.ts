import { type Observable, defer, map, of, switchMap } from 'rxjs';
import type { TrainingClient } from '../../clients/training.js';
import { groupAdvantages, meanOf } from './groupAdvantages.js';
import { type PolicyDatum, policyDatum } from './policyDatum.js';
import type { Problem, Rollout } from './problem.js';
import { type KlToReference, klPenalties, referenceKl } from './referenceKl.js';
import { type RolloutOptions, rollouts, withSeed } from './rollouts.js';

/** Options of {@link policyBatches}. */
export interface PolicyBatchesOptions extends RolloutOptions {
  /** Divides advantages by the standard deviation of their group; default false. */
  readonly normalize?: boolean;
  /** Keeps the policy close to a model, as a rule to the one it began as. */
  readonly kl?: KlToReference;
  /** Number of the first step, of a run that goes on: moves the seeds on; default 0. */
  readonly startStep?: number;
}

/**
 * Batches for `trainSteps`, each sampled from the weights as they are when its turn comes.
 *
 * The samples of a problem are a group, and each token's advantage is that of its sample within the group, less the
 * distance to the reference.
 *
 * @param problems - The problems of each step; infinite ones are fine.
 * @example
 * ```ts
 * const problem: Problem = { prompt, reward: ({ tokens }) => (tokens.includes(7) ? 1 : 0) };
 * const batches = policyBatches(training, [[problem], [problem]], { groupSize: 4, samplingParams: { maxTokens: 2 } });
 * trainSteps(training, batches, { loss: 'ppo' }).subscribe(({ step, metrics }) => console.log(step, metrics));
 * ```
 */
export function policyBatches(
  training: Pick<TrainingClient, 'saveWeightsAndGetSamplingClient'>,
  problems: Iterable<readonly Problem[]>,
  options: PolicyBatchesOptions,
): Iterable<Observable<readonly PolicyDatum[]>> {
  const { startStep = 0, samplingParams = {} } = options;
  function* batches() {
    let step = startStep;
    for (const batch of problems) {
      const params = withSeed(samplingParams, 10_007 * step++);
      yield defer(() => training.saveWeightsAndGetSamplingClient()).pipe(
        switchMap((sampling) => rollouts(sampling, batch, { ...options, samplingParams: params })),
        switchMap((groups) => toData(groups, options)),
      );
    }
  }
  return { [Symbol.iterator]: batches };
}

function toData(
  groups: readonly (readonly Rollout[])[],
  { normalize = false, kl }: PolicyBatchesOptions,
): Observable<readonly PolicyDatum[]> {
  const samples = groups.flat();
  const advantages = groups.flatMap((group) =>
    groupAdvantages(
      group.map(({ reward }) => reward),
      { normalize },
    ),
  );
  const distances = kl === undefined ? of([]) : referenceKl(samples, kl);
  return distances.pipe(
    map((distance) => {
      const penalties = klPenalties(distance, kl?.coefficient ?? 0);
      return samples.map((rollout, index): PolicyDatum => {
        const advantage = advantages[index] ?? 0;
        const perToken = penalties[index]?.map((penalty) => advantage + penalty);
        return {
          ...policyDatum(rollout, perToken ?? advantage),
          rollout,
          advantage,
          ...(distance[index] !== undefined && { referenceKl: meanOf(distance[index]) }),
        };
      });
    }),
  );
}
