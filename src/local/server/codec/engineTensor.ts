import type { EngineTensor } from '../../engine/engine.js';
import { refusal } from '../refusal.js';
import type { TensorData } from '../requests/tensorData.js';
import { readFloats, readIntegers } from './readNumbers.js';
import { fillSparse } from './fillSparse.js';
import type { MemoryBudget } from './memoryBudget.js';

/** Reads a tensor of a JSON request; a sparse one (CSR) is filled up with zeros. */
export function engineTensor(tensor: TensorData, where: string, budget: MemoryBudget): EngineTensor {
  const values =
    tensor.dtype === 'int64'
      ? readIntegers(tensor.data, -(2 ** 31), `${where}.data`)
      : readFloats(tensor.data, `${where}.data`);
  const rows = tensor.sparse_crow_indices ?? undefined;
  const columns = tensor.sparse_col_indices ?? undefined;
  if (rows === undefined && columns === undefined) return denseTensor(values, tensor.shape ?? [], where);
  const sparse = { values, rows: rows ?? [], columns: columns ?? [], shape: tensor.shape ?? [] };
  return fillSparse(sparse, where, budget);
}

/** A dense tensor; without a shape it has one dimension. @throws TinkerError with status 400 for another size. */
export function denseTensor(data: Float32Array | Int32Array, shape: readonly number[], where: string): EngineTensor {
  if (shape.length === 0) return { data, shape: [data.length] };
  const size = shape.reduce((product, length) => product * length, 1);
  if (size === data.length) return { data, shape };
  throw refusal(400, `${where}: Expected ${size} values for shape [${shape.join(', ')}], got ${data.length}.`);
}
