import { detach, div, exp, maximum, minimum, mul, neg, type Node, sub, sum } from '../../graph/index.js';

/** A loss that the engine knows. Losses are sums over positions. */
export interface Loss {
  /** Inputs that a datum must bring, one number a position. */
  readonly inputs: readonly string[];
  /** Inputs that it may bring, and what every position has otherwise. */
  readonly optionalInputs: Readonly<Record<string, number>>;
  /** Configuration keys and their defaults; undefined where the key must be given. Fed as one number a position. */
  readonly config: Readonly<Record<string, number | undefined>>;
  /** The loss of each position [b, s] from the targets' logprobs [b, s] and the inputs by name, 0 at padding. */
  readonly elementwise: (logprobs: Node, input: (name: string) => Node) => Node;
}

const clipThresholds = (low: number, high: number): Readonly<Record<string, number>> => ({
  clip_low_threshold: low,
  clip_high_threshold: high,
});

/** The name of the input that is 1 at real positions and 0 at padding; made by the engine, not by the caller. */
export const positionMask = 'mask.positions';

/**
 * Every loss by its wire name. p are the targets' logprobs, q the sampler's (`logprobs`), A `advantages`,
 * r = exp(p − q).
 */
export const losses: Readonly<Record<string, Loss>> = {
  /** Σ −w·p */
  cross_entropy: {
    inputs: ['weights'],
    optionalInputs: {},
    config: {},
    elementwise: (p, input) => neg(mul(input('weights'), p)),
  },
  /** Σ −r·A */
  importance_sampling: {
    inputs: ['logprobs', 'advantages'],
    optionalInputs: {},
    config: {},
    elementwise: (p, input) => neg(mul(exp(sub(p, input('logprobs'))), input('advantages'))),
  },
  /** Σ −min(r·A, clip(r, low, high)·A) (Schulman et al. 2017, arXiv:1707.06347) */
  ppo: {
    inputs: ['logprobs', 'advantages'],
    optionalInputs: {},
    config: clipThresholds(0.8, 1.2),
    elementwise: (p, input) => clippedObjective(exp(sub(p, input('logprobs'))), input),
  },
  /** Σ −stopGradient(clip(r, low, high))·p·A (MiniMax 2025, arXiv:2506.13585) */
  cispo: {
    inputs: ['logprobs', 'advantages'],
    optionalInputs: {},
    config: clipThresholds(0, 4),
    elementwise: (p, input) =>
      neg(mul(mul(detach(clip(exp(sub(p, input('logprobs'))), input)), p), input('advantages'))),
  },
  /** Σ −(p·A − ½·beta·(p − q)²) (Richemond et al. 2024, arXiv:2405.19107) */
  dro: {
    inputs: ['logprobs', 'advantages'],
    optionalInputs: {},
    config: { beta: undefined },
    elementwise: (p, input) => {
      const distance = sub(p, input('logprobs'));
      const penalty = mul(mul(input('beta'), 0.5), mul(distance, distance));
      return mul(sub(penalty, mul(p, input('advantages'))), input(positionMask));
    },
  },
  /**
   * s = exp(mean of p − q over the mask), one number a datum, in the place of ppo's ratio; each position carries its
   * gradient as stopGradient(s)·exp(p − stopGradient(p)) (Zheng et al. 2025, arXiv:2507.18071)
   */
  gspo: {
    inputs: ['logprobs', 'advantages'],
    optionalInputs: { sequence_ratio_mask: 1 },
    config: clipThresholds(0.8, 1.2),
    elementwise: (p, input) => {
      const mask = input('sequence_ratio_mask');
      const count = maximum(sum(mask, -1, true), 1e-6);
      const meanDistance = div(sum(mul(sub(p, input('logprobs')), mask), -1, true), count); // [b, 1]
      return clippedObjective(mul(detach(exp(meanDistance)), exp(sub(p, detach(p)))), input);
    },
  },
};

function clip(ratio: Node, input: (name: string) => Node): Node {
  return minimum(maximum(ratio, input('clip_low_threshold')), input('clip_high_threshold'));
}

function clippedObjective(ratio: Node, input: (name: string) => Node): Node {
  const advantages = input('advantages');
  return neg(minimum(mul(ratio, advantages), mul(clip(ratio, input), advantages)));
}
