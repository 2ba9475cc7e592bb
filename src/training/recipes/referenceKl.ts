import { type Observable, forkJoin, map, of } from 'rxjs';
import type { SamplingClient } from '../../clients/sampling.js';
import { ModelInput } from '../../wire/index.js';
import { meanOf } from './groupAdvantages.js';
import type { Rollout } from './problem.js';

/** A model to stay close to. */
export interface KlToReference {
  readonly reference: Pick<SamplingClient, 'computeLogprobs'>;
  /** How much a nat of distance at one token counts against the reward; 0 only measures. */
  readonly coefficient: number;
}

/**
 * For each sample and token log p − log q, p of the sampler and q of the reference: the estimate k1 of
 * KL(policy ‖ reference) at that token.
 */
export function referenceKl(
  samples: readonly Rollout[],
  { reference }: Pick<KlToReference, 'reference'>,
): Observable<readonly (readonly number[])[]> {
  if (samples.length === 0) return of([]);
  return forkJoin(
    samples.map(({ prompt, sample: { tokens, logprobs } }) =>
      reference
        .computeLogprobs(ModelInput.fromTokens(Int32Array.of(...prompt.tokens(), ...tokens)))
        .pipe(
          map((all) => Array.from(logprobs ?? [], (logprob, index) => logprob - (all[prompt.length + index] ?? NaN))),
        ),
    ),
  );
}

/**
 * What the distance takes from each token's advantage: −coefficient · (k1 − its mean over all tokens), as a reward of
 * −coefficient · k1 with the mean as its baseline.
 *
 * @example
 * klPenalties([[0.2, 0.4]], 0.5); // [[0.05, -0.05]], up to rounding
 */
export function klPenalties(kl: readonly (readonly number[])[], coefficient: number): number[][] {
  const mean = meanOf(kl.flat());
  return kl.map((tokens) => tokens.map((value) => -coefficient * (value - mean)));
}
