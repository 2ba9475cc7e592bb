import type { Expression } from '../../graph/index.js';
import { type RegularizerOptions, sumOverPositions } from './sumOverPositions.js';

/**
 * Σ −p over positions: the entropy of the model along its own samples, estimated by the sampled tokens alone. Subtract
 * it, scaled, to keep a policy random.
 *
 * The value's own derivative, −1 everywhere, has expectation 0 under the model and would only add noise; the gradient
 * here is −p, since ∇H = −E[p·∇p] for H = −E[p], tokens drawn from the model (E[∇p] = 0; Williams and Peng 1991,
 * "Function optimization using connectionist reinforcement learning algorithms"). Both are unbiased at each position
 * where the tokens are the model's own.
 *
 * @param logprobs - p, the model's logprobs of the tokens it sampled, of any shape.
 * @example
 * ```ts
 * const loss: PerDatumLoss = ({ logprobs, advantages }) =>
 *   logprobs.mul(advantages).neg().sum().sub(entropyEstimate(logprobs).mul(0.001));
 * ```
 */
export function entropyEstimate(logprobs: Expression, options: RegularizerOptions = {}): Expression {
  const value = logprobs.detach();
  // p − detach(p) is 0 and has the derivative 1.
  return sumOverPositions(logprobs.sub(value).add(1).mul(value).neg(), options);
}
