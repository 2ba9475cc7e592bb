import type { Expression } from '../../graph/index.js';
import type { LossInputs } from '../lossInputs.js';
import type { ClipThresholds } from './clipThresholds.js';

/**
 * The server's `ppo` as a custom loss: Σ −min(r·A, clip(r, low, high)·A) with r = exp(p − q), p the logprobs, q the
 * sampler's (the datum's `logprobs`) and A its `advantages` (Schulman et al. 2017, arXiv:1707.06347).
 *
 * @param thresholds - 0.8 and 1.2 by default.
 */
export function ppoLoss({ clipLowThreshold = 0.8, clipHighThreshold = 1.2 }: ClipThresholds = {}): (
  inputs: LossInputs,
) => Expression {
  return ({ logprobs, samplerLogprobs, advantages }) => {
    const ratio = logprobs.sub(samplerLogprobs).exp();
    const clipped = ratio.clamp(clipLowThreshold, clipHighThreshold);
    return ratio.mul(advantages).minimum(clipped.mul(advantages)).neg().sum();
  };
}
