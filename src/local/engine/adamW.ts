import type { AdamWParameters } from './engine.js';

/** Moments of AdamW over one flat buffer of parameters, and how many steps were taken. */
export interface AdamWState {
  readonly m: Float32Array;
  readonly v: Float32Array;
  step: number;
}

/** Moments of zero for `size` parameters. */
export function createAdamWState(size: number): AdamWState {
  return { m: new Float32Array(size), v: new Float32Array(size), step: 0 };
}

/**
 * One step of AdamW in place: decoupled weight decay (Loshchilov and Hutter, 2019) and bias-corrected moments (Kingma
 * and Ba, 2015), after scaling the gradient down to a global norm of `grad_clip_norm` where it is larger (0: never).
 *
 * @returns The gradient's norm before clipping.
 */
export function adamWStep(
  values: Float32Array,
  gradient: Float32Array,
  state: AdamWState,
  parameters: AdamWParameters,
): number {
  const { learning_rate: rate, beta1, beta2, eps, weight_decay: decay, grad_clip_norm: clip } = parameters;
  const { m, v } = state;
  let squares = 0;
  for (const g of gradient) squares += g * g;
  const norm = Math.sqrt(squares);
  const scale = clip > 0 && norm > clip ? clip / norm : 1;
  state.step += 1;
  const correction1 = 1 - beta1 ** state.step;
  const correction2 = 1 - beta2 ** state.step;
  const keep = 1 - rate * decay;
  for (let i = 0; i < values.length; i++) {
    const g = (gradient[i] ?? 0) * scale;
    const mean = beta1 * (m[i] ?? 0) + (1 - beta1) * g;
    const square = beta2 * (v[i] ?? 0) + (1 - beta2) * g * g;
    m[i] = mean;
    v[i] = square;
    const update = mean / correction1 / (Math.sqrt(square / correction2) + eps);
    values[i] = (values[i] ?? 0) * keep - rate * update;
  }
  return norm;
}
