import { TinkerError } from '../../errors.js';
import { TensorData } from '../tensorData.js';
import { integersOf, invalidMessage, packedArray } from './packedArrays.js';
import type { TensorMessage } from './tensorMessage.js';

/** Reads a single tensor, dense or sparse; a sparse one stays sparse. @throws TinkerError `invalid_response` */
export function readTensor({ dense, sparse, dtype, shape }: TensorMessage, where: string): TensorData {
  try {
    if (sparse === undefined) {
      const { data } = packedArray(dense, dtype, where);
      return new TensorData(data, shape.length === 0 ? [data.length] : shape);
    }
    const { values, crowIndices, colIndices } = sparse;
    return new TensorData(packedArray(values, dtype, where).data, shape, {
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
