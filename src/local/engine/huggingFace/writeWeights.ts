import { toFloat16 } from '../float16.js';
import type { Tensors } from '../runtime.js';
import { writeSafetensors } from '../safetensors.js';
import { transposed } from '../transposed.js';
import { isLinear, storedName } from './readWeights.js';

/** The model.safetensors of a Hugging Face checkpoint in float16, of weights by graph input in float32. */
export function writeWeights(weights: Tensors): Uint8Array<ArrayBuffer> {
  const tensors = Object.entries(weights).map(([name, { data, shape }]) => {
    const [rows = 1, columns = 1] = shape;
    const floats = Float32Array.from(data);
    return [
      storedName(name),
      isLinear(name, shape)
        ? { data: toFloat16(transposed(floats, rows, columns)), shape: [columns, rows] }
        : { data: toFloat16(floats), shape },
    ] as const;
  });
  return writeSafetensors({ tensors: Object.fromEntries(tensors), metadata: { format: 'pt' } });
}
