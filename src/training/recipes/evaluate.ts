import { type Observable, map } from 'rxjs';
import { invalidArgument } from '../../errors.js';
import { meanOf } from './groupAdvantages.js';
import { passAtK } from './passAtK.js';
import type { Problem, Rollout } from './problem.js';
import { type RolloutOptions, type Sampler, rollouts } from './rollouts.js';

/** Options of {@link evaluate}. */
export interface EvaluateOptions extends RolloutOptions {
  /** Each k of a metric `pass@k`, at most `groupSize`; default `[1]`. */
  readonly passAt?: readonly number[];
  /** Reward from which a sample counts as right; default 1. */
  readonly rightFrom?: number;
}

/** Result of {@link evaluate}. */
export interface Evaluation {
  /** `reward:mean`, and `pass@k` as {@link passAtK} estimates it, its mean over the problems. */
  readonly metrics: Readonly<Record<string, number>>;
  /** The samples of each problem. */
  readonly groups: readonly (readonly Rollout[])[];
}

/**
 * Samples answers to problems and says how many are right; emits once. Errors are those of {@link rollouts}.
 *
 * @example
 * ```ts
 * const problem: Problem = { prompt, reward: ({ tokens }) => (tokens.includes(7) ? 1 : 0) };
 * evaluate(sampling, [problem], { groupSize: 4, passAt: [1, 4], samplingParams: { maxTokens: 8 } }).subscribe(
 *   ({ metrics }) => console.log(metrics['reward:mean'], metrics['pass@4']),
 * );
 * ```
 */
export function evaluate(
  sampling: Sampler,
  problems: readonly Problem[],
  options: EvaluateOptions,
): Observable<Evaluation> {
  const { groupSize, passAt = [1], rightFrom = 1 } = options;
  for (const k of passAt)
    if (!Number.isInteger(k) || k < 1 || k > groupSize)
      throw invalidArgument(`passAt to be whole numbers from 1 to groupSize, ${groupSize}`, k);
  return rollouts(sampling, problems, options).pipe(
    map((groups) => {
      const right = groups.map((group) => group.filter(({ reward }) => reward >= rightFrom).length);
      const passes = passAt.map((k): [string, number] => [
        `pass@${k}`,
        meanOf(right.map((c) => passAtK({ n: groupSize, c, k }))),
      ]);
      const rewards = groups.flat().map(({ reward }) => reward);
      return { metrics: { 'reward:mean': meanOf(rewards), ...Object.fromEntries(passes) }, groups };
    }),
  );
}
