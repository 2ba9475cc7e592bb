import type { Expression } from '../../graph/index.js';
import type { LossInputs } from '../lossInputs.js';

/**
 * The server's `dro` as a custom loss: Σ −(p·A − ½·beta·(p − q)²) with p the logprobs, q the sampler's (the datum's
 * `logprobs`) and A its `advantages` (Richemond et al. 2024, arXiv:2405.19107).
 *
 * @param options - beta, the strength of the pull towards q; it has no default.
 */
export function droLoss({ beta }: { readonly beta: number }): (inputs: LossInputs) => Expression {
  return ({ logprobs, samplerLogprobs, advantages }) => {
    const distance = logprobs.sub(samplerLogprobs);
    return distance
      .mul(distance)
      .mul(beta / 2)
      .sub(logprobs.mul(advantages))
      .sum();
  };
}
