import type { Expression } from '../../graph/index.js';
import type { LossInputs } from '../lossInputs.js';

/**
 * The server's `cross_entropy` as a custom loss: Σ −w·p, with p the logprobs and w the `weights` of a datum. Made to be
 * added to, and to compare a custom loss with the server's own.
 *
 * @example
 * ```ts
 * const loss: PerDatumLoss = (inputs) =>
 *   crossEntropyLoss(inputs).add(l2Penalty(inputs.logprobs).mul(0.01));
 * ```
 */
export function crossEntropyLoss({ logprobs, weights }: LossInputs): Expression {
  return logprobs.mul(weights).neg().sum();
}
