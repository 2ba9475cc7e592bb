import type { Expression } from '../../graph/index.js';
import type { LossInputs } from '../lossInputs.js';
import type { ClipThresholds } from './clipThresholds.js';

/**
 * The server's `cispo` as a custom loss: Σ −stopGradient(clip(r, low, high))·p·A with r = exp(p − q), p the logprobs,
 * q the sampler's (the datum's `logprobs`) and A its `advantages` (MiniMax 2025, arXiv:2506.13585).
 *
 * @param thresholds - 0 and 4 by default.
 */
export function cispoLoss({ clipLowThreshold = 0, clipHighThreshold = 4 }: ClipThresholds = {}): (
  inputs: LossInputs,
) => Expression {
  return ({ logprobs, samplerLogprobs, advantages }) => {
    const ratio = logprobs.sub(samplerLogprobs).exp().clamp(clipLowThreshold, clipHighThreshold);
    return ratio.detach().mul(logprobs).mul(advantages).neg().sum();
  };
}
