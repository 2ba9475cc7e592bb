import type { Expression } from '../../graph/index.js';
import { type RegularizerOptions, sumOverPositions } from './sumOverPositions.js';

/**
 * Σ |p| over positions: draws every logprob towards 0 with the same force. A scalar to be scaled and added to a loss.
 *
 * @param logprobs - p, of any shape.
 * @example
 * ```ts
 * const loss: PerDatumLoss = ({ logprobs, weights }) =>
 *   logprobs.mul(weights).neg().sum().add(l1Penalty(logprobs, { mask: weights }).mul(0.01));
 * ```
 */
export function l1Penalty(logprobs: Expression, options: RegularizerOptions = {}): Expression {
  return sumOverPositions(logprobs.abs(), options);
}
