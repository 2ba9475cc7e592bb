import type { Expression } from '../../graph/index.js';
import { type RegularizerOptions, sumOverPositions } from './sumOverPositions.js';

/**
 * Σ p² over positions: draws improbable tokens hardest. A scalar to be scaled and added to a loss.
 *
 * @param logprobs - p, of any shape.
 * @example
 * ```ts
 * const loss: PerDatumLoss = ({ logprobs, weights }) =>
 *   logprobs.mul(weights).neg().sum().add(l2Penalty(logprobs).mul(0.01));
 * ```
 */
export function l2Penalty(logprobs: Expression, options: RegularizerOptions = {}): Expression {
  return sumOverPositions(logprobs.mul(logprobs), options);
}
