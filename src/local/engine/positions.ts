import type { DecoderConfig } from './decoderConfig.js';
import type { EngineTensor } from './engine.js';

/** What a score gets that must not count: exp of it is 0, and sums with it stay finite. */
export const hidden = -1e9;

/** Cosines and sines of rotary positions, halves form; both are [positions, head size]. */
export function rotaryAngles(
  { headDim, ropeTheta }: DecoderConfig,
  positions: ArrayLike<number>,
): { readonly cos: Float32Array; readonly sin: Float32Array } {
  const half = headDim / 2;
  const cos = new Float32Array(positions.length * headDim);
  const sin = new Float32Array(positions.length * headDim);
  for (let row = 0; row < positions.length; row++)
    for (let i = 0; i < headDim; i++) {
      const angle = (positions[row] ?? 0) / ropeTheta ** ((i % half) / half);
      cos[row * headDim + i] = Math.cos(angle);
      sin[row * headDim + i] = Math.sin(angle);
    }
  return { cos, sin };
}

/** The causal mask [length, length]: row i sees columns 0 … i. */
export function causalMask(length: number): EngineTensor {
  const data = new Float32Array(length * length);
  for (let row = 0; row < length; row++) data.fill(hidden, row * length + row + 1, (row + 1) * length);
  return { data, shape: [length, length] };
}
