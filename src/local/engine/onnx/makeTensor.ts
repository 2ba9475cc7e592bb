import type { Tensor } from 'onnxruntime-common';
import type { StoredInput } from '../runtime.js';

/** How the packages of onnxruntime make tensors. */
export type TensorMaker = new (
  type: 'float32' | 'int32' | 'float16' | 'int8',
  data: StoredInput['data'],
  shape: readonly number[],
) => Tensor;

/** Makes a tensor of an input, without a copy. */
export function makeTensor(Maker: TensorMaker, { type, data, shape }: StoredInput): Tensor {
  const tensor = new Maker(type ?? (data instanceof Float32Array ? 'float32' : 'int32'), data, shape);
  // Where Node has a Float16Array, it becomes one, whose bytes onnxruntime-node takes for none
  // (https://github.com/microsoft/onnxruntime/pull/32323).
  if (type === 'float16') Object.defineProperty(tensor, 'data', { value: data });
  return tensor;
}
