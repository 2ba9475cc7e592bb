import { type Observable, map } from 'rxjs';
import type { Problem, Rollout } from './problem.js';
import { type RolloutOptions, type Sampler, rollouts } from './rollouts.js';

/**
 * Draws `groupSize` samples and keeps the one of the highest reward, of equal ones the first; emits once. Errors are
 * those of {@link rollouts}.
 *
 * @example
 * ```ts
 * const problem: Problem = { prompt, reward: ({ logprobs = new Float32Array() }) => Math.min(...logprobs) };
 * bestOfN(sampling, problem, { groupSize: 4, samplingParams: { maxTokens: 8 } })
 *   .pipe(switchMap(({ sample }) => sampling.decode(sample.tokens)))
 *   .subscribe((text) => console.log(text));
 * ```
 */
export function bestOfN(sampling: Sampler, problem: Problem, options: RolloutOptions): Observable<Rollout> {
  return rollouts(sampling, [problem], options).pipe(
    map((groups) => groups.flat().reduce((best, next) => (next.reward > best.reward ? next : best))),
  );
}
