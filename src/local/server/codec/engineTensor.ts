import type { EngineTensor } from '../../engine/engine.js';
import { refusal } from '../refusal.js';
import type { TensorData } from '../requests/tensorData.js';

const int32 = 2 ** 31;

/** Reads a tensor of a request; a sparse one (CSR) is filled up with zeros. */
export function engineTensor(tensor: TensorData, where: string): EngineTensor {
  if (tensor.dtype === 'int64') {
    const wrong = tensor.data.findIndex((value) => !Number.isInteger(value) || value < -int32 || value >= int32);
    if (wrong !== -1) {
      throw refusal(400, `${where}.data.${wrong}: Expected an integer in [-2³¹, 2³¹), got ${tensor.data[wrong]}.`);
    }
  }
  const values = tensor.dtype === 'int64' ? Int32Array.from(tensor.data) : Float32Array.from(tensor.data);
  const rows = tensor.sparse_crow_indices ?? undefined;
  const columns = tensor.sparse_col_indices ?? undefined;
  if (rows !== undefined || columns !== undefined) return fill(values, rows ?? [], columns ?? [], tensor.shape, where);
  const shape = tensor.shape ?? [values.length];
  const size = shape.reduce((product, length) => product * length, 1);
  if (size !== values.length) {
    throw refusal(400, `${where}: Expected ${size} values for shape [${shape.join(', ')}], got ${values.length}.`);
  }
  return { data: values, shape };
}

/** Row r holds values[rows[r] … rows[r + 1]) at the columns of the same positions. */
function fill(
  values: Float32Array | Int32Array,
  rows: readonly number[],
  columns: readonly number[],
  shape: readonly number[] | null | undefined,
  where: string,
): EngineTensor {
  const [height, width] = shape ?? [];
  const ascending = rows.every((start, row) => start >= (rows[row - 1] ?? 0) && start <= values.length);
  if (
    height === undefined ||
    width === undefined ||
    shape?.length !== 2 ||
    rows.length !== height + 1 ||
    rows.at(-1) !== values.length ||
    columns.length !== values.length ||
    !ascending ||
    columns.some((column) => column >= width)
  ) {
    throw refusal(
      400,
      `${where}: Expected a sparse tensor with a shape of two sizes, as many row starts as rows plus one, ascending to the number of values, and a column below the width for each value.`,
    );
  }
  const data = values instanceof Int32Array ? new Int32Array(height * width) : new Float32Array(height * width);
  for (let row = 0; row < height; row += 1) {
    for (let at = rows[row] ?? 0; at < (rows[row + 1] ?? 0); at += 1) {
      data[row * width + (columns[at] ?? 0)] = values[at] ?? 0;
    }
  }
  return { data, shape: [height, width] };
}
