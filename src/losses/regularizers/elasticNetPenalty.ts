import { invalidArgument } from '../../errors.js';
import type { Expression } from '../../graph/index.js';
import { type RegularizerOptions, sumOverPositions } from './sumOverPositions.js';

/** Options of {@link elasticNetPenalty}. */
export interface ElasticNetOptions extends RegularizerOptions {
  /** ρ in 0 … 1, 0.5 by default: 1 is {@link l1Penalty}, 0 half of {@link l2Penalty}. */
  readonly l1Ratio?: number;
}

/**
 * Σ ρ·|p| + ½(1 − ρ)·p² over positions, a scalar (Zou and Hastie 2005, "Regularization and variable selection via the
 * elastic net", scaled as in scikit-learn).
 *
 * @param logprobs - p, of any shape.
 * @throws TinkerError `invalid_argument` when ρ lies outside 0 … 1.
 * @example
 * ```ts
 * const loss: PerDatumLoss = ({ logprobs, weights }) =>
 *   logprobs.mul(weights).neg().sum().add(elasticNetPenalty(logprobs, { l1Ratio: 0.2 }).mul(0.01));
 * ```
 */
export function elasticNetPenalty(logprobs: Expression, options: ElasticNetOptions = {}): Expression {
  const { l1Ratio = 0.5 } = options;
  if (!(l1Ratio >= 0 && l1Ratio <= 1)) throw invalidArgument('l1Ratio from 0 to 1', l1Ratio);
  const linear = logprobs.abs().mul(l1Ratio);
  const square = logprobs.mul(logprobs).mul((1 - l1Ratio) / 2);
  return sumOverPositions(linear.add(square), options);
}
