import { checkKeys, checkNumber, type NumberRange } from './checkNumber.js';

/** Settings of one AdamW step. */
export interface AdamParams {
  /** Default 1e-4. */
  readonly learningRate?: number;
  /** Decay of the first moment; default 0.9. */
  readonly beta1?: number;
  /** Decay of the second moment; default 0.95. */
  readonly beta2?: number;
  /** Added to the root of the second moment; default 1e-12. */
  readonly eps?: number;
  /** Decoupled weight decay; default 0. */
  readonly weightDecay?: number;
  /** Largest norm of the gradient; default 0, which means no clipping. */
  readonly gradClipNorm?: number;
}

/** {@link AdamParams} as the wire wants them: complete. */
export interface WireAdamParams {
  readonly learning_rate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weight_decay: number;
  readonly grad_clip_norm: number;
}

const ranges: Record<keyof Required<AdamParams>, NumberRange> = {
  learningRate: { min: 0 },
  beta1: { min: 0, below: 1 },
  beta2: { min: 0, below: 1 },
  eps: { min: 0 },
  weightDecay: { min: 0 },
  gradClipNorm: { min: 0 },
};

/** Fills in the defaults. @throws TinkerError `invalid_argument` for an unknown key or a value out of range */
export function toWireAdamParams(params: AdamParams = {}): WireAdamParams {
  checkKeys('adamParams', params, Object.keys(ranges));
  const read = (key: keyof AdamParams, byDefault: number): number =>
    checkNumber(key, params[key] ?? byDefault, ranges[key]);
  return {
    learning_rate: read('learningRate', 1e-4),
    beta1: read('beta1', 0.9),
    beta2: read('beta2', 0.95),
    eps: read('eps', 1e-12),
    weight_decay: read('weightDecay', 0),
    grad_clip_norm: read('gradClipNorm', 0),
  };
}
