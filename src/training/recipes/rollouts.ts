import { type Observable, forkJoin, isObservable, map, of, switchMap, take } from 'rxjs';
import type { SamplingClient } from '../../clients/sampling.js';
import { invalidArgument } from '../../errors.js';
import type { SamplingParams } from '../../wire/index.js';
import type { Problem, Rollout } from './problem.js';

/** What {@link rollouts} samples with. */
export type Sampler = Pick<SamplingClient, 'sample'>;

/** Options of {@link rollouts}. */
export interface RolloutOptions {
  /** Samples a problem. */
  readonly groupSize: number;
  /** Each problem's samples are drawn by a seed of their own, counted from `seed`. */
  readonly samplingParams?: SamplingParams;
}

/**
 * Samples a group for each problem, all at the same time, and rewards each sample; emits the groups in the order of the
 * problems, once.
 *
 * Errors: `invalid_argument` for no problems, or a reward that is no finite number; those of `sample`.
 *
 * @example
 * ```ts
 * const problem: Problem = { prompt, reward: ({ tokens }) => -tokens.length };
 * rollouts(sampling, [problem], { groupSize: 4, samplingParams: { maxTokens: 8, seed: 1 } }).subscribe(([group]) => {
 *   console.log(group?.map(({ reward }) => reward));
 * });
 * ```
 */
export function rollouts(
  sampling: Sampler,
  problems: readonly Problem[],
  { groupSize, samplingParams = {} }: RolloutOptions,
): Observable<readonly (readonly Rollout[])[]> {
  if (problems.length === 0) throw invalidArgument('at least one problem', 'none');
  const group = ({ prompt, reward }: Problem, index: number): Observable<readonly Rollout[]> =>
    sampling
      .sample({ prompt, numSamples: groupSize, samplingParams: withSeed(samplingParams, index) })
      .pipe(
        switchMap(({ sequences }) =>
          forkJoin(
            sequences.map((sample) =>
              valueOf(reward(sample)).pipe(map((value): Rollout => ({ prompt, sample, reward: checkReward(value) }))),
            ),
          ),
        ),
      );
  return forkJoin(problems.map(group));
}

/** Sampling parameters whose seed, where there is one, is moved on. */
export function withSeed(params: SamplingParams, by: number): SamplingParams {
  return params.seed === undefined ? params : { ...params, seed: (params.seed + by) % 2 ** 31 };
}

function valueOf(reward: number | Observable<number>): Observable<number> {
  return isObservable(reward) ? reward.pipe(take(1)) : of(reward);
}

function checkReward(reward: unknown): number {
  if (typeof reward === 'number' && Number.isFinite(reward)) return reward;
  throw invalidArgument('a reward as a finite number', reward);
}
