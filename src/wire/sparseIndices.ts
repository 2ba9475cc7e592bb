import { invalidArgument } from '../errors.js';

/** Where the values of a sparse matrix stand (CSR): row r holds those from crowIndices[r] to before crowIndices[r + 1]. */
export interface SparseIndices {
  /** One more than there are rows, ascending from 0 to the number of values. */
  readonly crowIndices: Int32Array;
  /** The column of each value. */
  readonly colIndices: Int32Array;
}

/** @throws TinkerError `invalid_argument` if the indices do not place exactly these values in a matrix of this shape */
export function checkSparseIndices(
  { crowIndices, colIndices }: SparseIndices,
  values: number,
  shape: readonly number[],
): void {
  const [rows = 0, columns = 0] = shape;
  if (shape.length !== 2) throw invalidArgument('a sparse tensor of two dimensions', `[${shape.join(', ')}]`);
  const ascending = crowIndices.every((start, row) => start >= (crowIndices[row - 1] ?? 0));
  if (crowIndices.length !== rows + 1 || crowIndices[0] !== 0 || crowIndices[rows] !== values || !ascending) {
    throw invalidArgument(
      `${rows + 1} ascending crowIndices from 0 to ${values}, the number of values`,
      crowIndices.length > 8 ? crowIndices : `[${crowIndices.join(', ')}]`,
    );
  }
  const wrong = colIndices.findIndex((column) => column < 0 || column >= columns);
  if (colIndices.length !== values || wrong !== -1) {
    throw invalidArgument(
      `a column below ${columns} for each of ${values} values`,
      wrong === -1 ? `${colIndices.length} columns` : colIndices[wrong],
    );
  }
}
