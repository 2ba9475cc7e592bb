import type { DecoderConfig, RopeScaling } from './decoderConfig.js';
import type { EngineTensor } from './engine.js';

/** What a score gets that must not count: exp of it is 0, and sums with it stay finite. */
export const hidden = -1e9;

/**
 * Radians a position for each pair of a head's halves: theta^(−i / half), stretched as the configuration says (Llama 3:
 * `_compute_llama3_parameters` of Hugging Face transformers, `modeling_rope_utils.py`).
 */
export function rotaryFrequencies({ headDim, ropeTheta, ropeScaling }: DecoderConfig): Float64Array {
  const half = headDim / 2;
  return Float64Array.from({ length: half }, (_, i) => stretch(ropeTheta ** (-i / half), ropeScaling));
}

/** Cosines and sines of rotary positions, halves form; both are [positions, head size]. */
export function rotaryAngles(
  config: DecoderConfig,
  positions: ArrayLike<number>,
): { readonly cos: Float32Array; readonly sin: Float32Array } {
  const { headDim } = config;
  const frequencies = rotaryFrequencies(config);
  const cos = new Float32Array(positions.length * headDim);
  const sin = new Float32Array(positions.length * headDim);
  for (let row = 0; row < positions.length; row++)
    for (let i = 0; i < headDim; i++) {
      const angle = (positions[row] ?? 0) * (frequencies[i % frequencies.length] ?? 0);
      cos[row * headDim + i] = Math.cos(angle);
      sin[row * headDim + i] = Math.sin(angle);
    }
  return { cos, sin };
}

function stretch(frequency: number, scaling: RopeScaling | undefined): number {
  switch (scaling?.type) {
    case undefined:
      return frequency;
    case 'linear':
      return frequency / scaling.factor;
    case 'llama3': {
      const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalContextLength } = scaling;
      const turns = (originalContextLength * frequency) / (2 * Math.PI);
      const kept = Math.min(1, Math.max(0, (turns - low) / (high - low)));
      return (1 - kept) * (frequency / factor) + kept * frequency;
    }
  }
}

/** The causal mask [length, length]: row i sees columns 0 … i. */
export function causalMask(length: number): EngineTensor {
  const data = new Float32Array(length * length);
  for (let row = 0; row < length; row++) data.fill(hidden, row * length + row + 1, (row + 1) * length);
  return { data, shape: [length, length] };
}
