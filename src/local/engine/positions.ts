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

/** Cosines and sines of the rotary positions 0 … count − 1, both [count, head size / 2]. */
export function rotaryAngles(
  config: DecoderConfig,
  count: number,
): { readonly cos: EngineTensor; readonly sin: EngineTensor } {
  const frequencies = rotaryFrequencies(config);
  const half = frequencies.length;
  const shape = [count, half];
  const of = (turn: (angle: number) => number): EngineTensor => ({
    data: Float32Array.from({ length: count * half }, (_, i) =>
      turn(Math.floor(i / half) * (frequencies[i % half] ?? 0)),
    ),
    shape,
  });
  return { cos: of(Math.cos), sin: of(Math.sin) };
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
