import type { Expression } from '../../graph/index.js';
import type { LossInputs } from '../lossInputs.js';

/**
 * The server's `importance_sampling` as a custom loss: Σ −exp(p − q)·A, with p the logprobs, q the sampler's (the
 * datum's `logprobs`) and A its `advantages`.
 */
export function importanceSamplingLoss({ logprobs, samplerLogprobs, advantages }: LossInputs): Expression {
  return logprobs.sub(samplerLogprobs).exp().mul(advantages).neg().sum();
}
