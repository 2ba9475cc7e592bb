import { broadcastStrides, stridesOf } from './kernels.js';
import type { Operations } from './node.js';
import type { Evaluation } from './rule.js';
import { broadcastShapes } from './sizes.js';
import { elements, type Tensor, type TensorArray } from './tensor.js';

/** The matrix product of concrete tensors over their last two axes, with sums in float64. */
export function multiplyMatrices(
  a: Tensor,
  b: Tensor,
  { transA, transB, alpha }: Operations['matmul']['attributes'],
  evaluation: Evaluation,
): Tensor {
  const [m, k] = matrixSizes(a.shape, transA);
  const n = matrixSizes(b.shape, transB)[1];
  const batch = broadcastShapes('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2));
  const matrices = elements(batch);
  const out = evaluation.allocate(matrices * m * n);
  const [startsA, startsB] = [matrixIndices(a.shape, batch), matrixIndices(b.shape, batch)];
  const rows = new Float64Array(m * k);
  const columns = new Float64Array(n * k);
  for (let i = 0; i < matrices; i++) {
    const [startA, startB] = [startsA[i] ?? 0, startsB[i] ?? 0];
    if (i === 0 || startA !== startsA[i - 1]) pack(a.data, startA * m * k, rows, m, k, transA, alpha);
    if (i === 0 || startB !== startsB[i - 1]) pack(b.data, startB * k * n, columns, n, k, !transB, 1);
    multiplyPacked(rows, columns, out, i * m * n, m, n, k);
  }
  return { data: out, shape: [...batch, m, n] };
}

function matrixSizes(shape: readonly number[], transposed: boolean): readonly [number, number] {
  const [rows, columns] = [shape.at(-2) ?? 1, shape.at(-1) ?? 1];
  return transposed ? [columns, rows] : [rows, columns];
}

/** For each matrix of the batch, which matrix of the operand it is. */
function matrixIndices(shape: readonly number[], batch: readonly number[]): number[] {
  const strides = broadcastStrides(shape.slice(0, -2), batch);
  const wide = stridesOf(batch);
  return Array.from({ length: elements(batch) }, (_, i) =>
    batch.reduce((sum, size, axis) => sum + (Math.floor(i / (wide[axis] ?? 1)) % size) * (strides[axis] ?? 0), 0),
  );
}

/** Copies a matrix to contiguous rows of `length`, times alpha; `transposed` says that it lies there by columns. */
function pack(
  data: TensorArray,
  start: number,
  out: Float64Array,
  rows: number,
  length: number,
  transposed: boolean,
  alpha: number,
): void {
  const [rowStride, stride] = transposed ? [1, rows] : [length, 1];
  for (let row = 0; row < rows; row++)
    for (let i = 0, from = start + row * rowStride, to = row * length; i < length; i++, from += stride)
      out[to + i] = alpha * (data[from] ?? 0);
}

/** Dot products of packed rows with packed columns, in tiles of 2 × 4 that stay in registers. */
function multiplyPacked(
  rows: Float64Array,
  columns: Float64Array,
  out: Float32Array | Float64Array,
  start: number,
  m: number,
  n: number,
  k: number,
): void {
  for (let row = 0; row < m; row += 2) {
    const a0 = row * k;
    const a1 = row + 1 < m ? a0 + k : a0;
    const to0 = start + row * n;
    const to1 = row + 1 < m ? to0 + n : to0;
    let column = 0;
    for (; column + 4 <= n; column += 4) {
      const b0 = column * k;
      const [b1, b2, b3] = [b0 + k, b0 + 2 * k, b0 + 3 * k];
      let [s00, s01, s02, s03, s10, s11, s12, s13] = [0, 0, 0, 0, 0, 0, 0, 0];
      for (let i = 0; i < k; i++) {
        const x = rows[a0 + i] ?? 0;
        const y = rows[a1 + i] ?? 0;
        const u = columns[b0 + i] ?? 0;
        const v = columns[b1 + i] ?? 0;
        const w = columns[b2 + i] ?? 0;
        const z = columns[b3 + i] ?? 0;
        s00 += x * u;
        s01 += x * v;
        s02 += x * w;
        s03 += x * z;
        s10 += y * u;
        s11 += y * v;
        s12 += y * w;
        s13 += y * z;
      }
      out[to0 + column] = s00;
      out[to0 + column + 1] = s01;
      out[to0 + column + 2] = s02;
      out[to0 + column + 3] = s03;
      out[to1 + column] = s10;
      out[to1 + column + 1] = s11;
      out[to1 + column + 2] = s12;
      out[to1 + column + 3] = s13;
    }
    for (; column < n; column++) {
      const b0 = column * k;
      let [s0, s1] = [0, 0];
      for (let i = 0; i < k; i++) {
        const u = columns[b0 + i] ?? 0;
        s0 += (rows[a0 + i] ?? 0) * u;
        s1 += (rows[a1 + i] ?? 0) * u;
      }
      out[to0 + column] = s0;
      out[to1 + column] = s1;
    }
  }
}
