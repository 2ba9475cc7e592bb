import { invalidArgument } from '../../errors.js';
import type { Expression } from '../../graph/index.js';
import { type RegularizerOptions, sumOverPositions } from './sumOverPositions.js';

/** Estimators of the divergence at one token; see {@link klEstimate}. */
export type KlEstimator = 'k1' | 'k2' | 'k3';

/** Options of {@link klEstimate}. */
export interface KlOptions extends RegularizerOptions {
  /** `k3` by default. */
  readonly estimator?: KlEstimator;
}

const estimators: Readonly<Record<KlEstimator, (p: Expression, q: Expression) => Expression>> = {
  k1: (p, q) => p.sub(q),
  k2: (p, q) => {
    const distance = p.sub(q);
    return distance.mul(distance).mul(0.5);
  },
  k3: (p, q) => {
    const logRatio = q.sub(p);
    return logRatio.expm1().sub(logRatio);
  },
};

/**
 * Σ over positions of an estimate of KL(model ‖ reference) from sampled tokens, a scalar (John Schulman 2020,
 * "Approximating KL Divergence", http://joschu.net/blog/kl-approx.html). With p the model's logprob and q the
 * reference's:
 *
 * - k1 = p − q: unbiased, of high variance. Its gradient has expectation 0: use it in metrics and rewards, not as a loss.
 * - k2 = ½(p − q)²: biased a little, of low variance. Its gradient is unbiased for ∇KL(model ‖ reference).
 * - k3 = exp(q − p) − 1 − (q − p): unbiased, never negative, of low variance. Its gradient is unbiased for
 *   ∇KL(reference ‖ model), close to the other where the two are.
 *
 * All of this holds for tokens sampled from the model as it is.
 *
 * @param logprobs - p of the sampled tokens, of any shape.
 * @param reference - q of the same tokens.
 * @throws TinkerError `invalid_argument` on another estimator.
 * @example
 * ```ts
 * const loss: PerDatumLoss = ({ logprobs, ref, advantages }) =>
 *   logprobs.mul(advantages).neg().sum().add(klEstimate(logprobs, ref).mul(0.05));
 * ```
 */
export function klEstimate(logprobs: Expression, reference: Expression, options: KlOptions = {}): Expression {
  const { estimator = 'k3' } = options;
  if (!Object.hasOwn(estimators, estimator)) throw invalidArgument('an estimator out of k1, k2, k3', estimator);
  return sumOverPositions(estimators[estimator](logprobs, reference), options);
}
