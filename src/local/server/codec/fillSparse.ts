import type { EngineTensor } from '../../engine/engine.js';
import { refusal } from '../refusal.js';
import type { MemoryBudget } from './memoryBudget.js';

/** A sparse matrix (CSR): row r holds values[rows[r] … rows[r + 1]) at the columns of the same positions. */
export interface SparseMatrix {
  readonly values: Float32Array | Int32Array;
  readonly rows: ArrayLike<number>;
  readonly columns: ArrayLike<number>;
  readonly shape: readonly number[];
}

/** The same matrix with zeros where it has no value. @throws TinkerError with status 400, or 413 for a huge one. */
export function fillSparse(
  { values, rows, columns, shape }: SparseMatrix,
  where: string,
  budget: MemoryBudget,
): EngineTensor {
  const [height = 0, width = 0] = shape;
  const count = values.length;
  let fits = shape.length === 2 && rows.length === height + 1 && columns.length === count;
  fits &&= rows[0] === 0 && rows[height] === count;
  for (let row = 1; fits && row < rows.length; row++) fits = (rows[row] ?? -1) >= (rows[row - 1] ?? 0);
  for (let at = 0; fits && at < count; at++) fits = (columns[at] ?? -1) >= 0 && (columns[at] ?? width) < width;
  if (!fits) {
    throw refusal(
      400,
      `${where}: Expected a sparse tensor with a shape of two sizes, as many row starts as rows plus one, ascending from 0 to the number of values, and a column below the width for each value.`,
    );
  }
  budget.take(4 * height * width, where);
  const data = values instanceof Int32Array ? new Int32Array(height * width) : new Float32Array(height * width);
  for (let row = 0; row < height; row++) {
    const end = rows[row + 1] ?? 0;
    for (let at = rows[row] ?? 0; at < end; at++) data[row * width + (columns[at] ?? 0)] = values[at] ?? 0;
  }
  return { data, shape: [height, width] };
}
