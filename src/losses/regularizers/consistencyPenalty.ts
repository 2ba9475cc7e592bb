import type { Expression } from '../../graph/index.js';
import { type RegularizerOptions, sumOverPositions } from './sumOverPositions.js';

/**
 * Σ (p − p′)² over positions: asks for the same logprobs of the same tokens in two readings, such as two wordings of
 * a prompt (after the Π-model of Laine and Aila 2017, "Temporal Ensembling for Semi-Supervised Learning",
 * arXiv:1610.02242). Both readings are drawn together; detach one to make it the teacher.
 *
 * @param logprobs - p, of any shape.
 * @param other - p′, of the same shape.
 * @example
 * ```ts
 * // Two data: the same answer of 20 tokens after two wordings of the question.
 * const loss = batchLoss((_, logprobs) => {
 *   const answers = Expression.stack(logprobs.map((p) => p.slice(-20)));
 *   return consistencyPenalty(answers.select(0), answers.select(1));
 * });
 * ```
 */
export function consistencyPenalty(
  logprobs: Expression,
  other: Expression,
  options: RegularizerOptions = {},
): Expression {
  const distance = logprobs.sub(other);
  return sumOverPositions(distance.mul(distance), options);
}
