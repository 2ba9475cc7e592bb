import type { PerDatumLoss } from '../perDatumLoss.js';

/**
 * The server's `importance_sampling` as a custom loss: Σ −exp(p − q)·A, with p the logprobs, q the sampler's (the
 * datum's `logprobs`) and A its `advantages`.
 */
export const importanceSamplingLoss: PerDatumLoss = ({ logprobs, samplerLogprobs, advantages }) =>
  logprobs.sub(samplerLogprobs).exp().mul(advantages).neg().sum();
