import { TinkerError } from '../../errors.js';
import { TensorData } from '../tensorData.js';
import { integersOf, invalidMessage, packedArray } from './packedArrays.js';
import type { Tensor } from './tinker_public_pb.js';

/** Reads a single tensor, dense or sparse; a sparse one stays sparse. @throws TinkerError `invalid_response` */
export function readTensor({ encoding, dtype, shape }: Tensor, where: string): TensorData {
  const sizes = shape.map(Number);
  try {
    if (encoding.case !== 'sparseCsr') {
      const { data } = packedArray(encoding.value ?? new Uint8Array(), dtype, where);
      return new TensorData(data, sizes.length === 0 ? [data.length] : sizes);
    }
    const { values, crowIndices, colIndices } = encoding.value;
    return new TensorData(packedArray(values, dtype, where).data, sizes, {
      crowIndices: indicesOf(crowIndices, where),
      colIndices: indicesOf(colIndices, where),
    });
  } catch (cause) {
    if (!(cause instanceof TinkerError) || cause.code !== 'invalid_argument') throw cause;
    throw invalidMessage(`${where}: ${cause.message}`, cause);
  }
}

function indicesOf(bytes: Uint8Array, where: string): Int32Array {
  const indices = integersOf(bytes, `the indices of ${where}`);
  if (indices instanceof Int32Array) return indices;
  throw invalidMessage(`expected indices below 2³¹ in ${where}`);
}
