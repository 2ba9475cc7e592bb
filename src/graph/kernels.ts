import type { Evaluation } from './rule.js';
import { broadcastShapes } from './sizes.js';
import { elements, type Tensor, type TensorArray } from './tensor.js';

/** Distance between neighbours along each axis of a row-major tensor. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (const size of shape.toReversed()) {
    strides.unshift(stride);
    stride *= size;
  }
  return strides;
}

/** Strides with which a tensor is read as a wider one: 0 along axes that broadcast. */
export function broadcastStrides(shape: readonly number[], wide: readonly number[]): number[] {
  const strides = stridesOf(shape);
  const lead = wide.length - shape.length;
  return wide.map((_, axis) => (axis < lead || shape[axis - lead] === 1 ? 0 : (strides[axis - lead] ?? 0)));
}

/** An array of the kind of `data`; float arrays in the precision of the evaluation. */
export function allocateLike(data: TensorArray, length: number, evaluation: Evaluation): TensorArray {
  return data instanceof Int32Array ? new Int32Array(length) : evaluation.allocate(length);
}

/** Copies elements read with the given strides from `offset` on. */
export function copyStrided(
  data: TensorArray,
  shape: readonly number[],
  strides: readonly number[],
  offset: number,
  evaluation: Evaluation,
): Tensor {
  const out = allocateLike(data, elements(shape), evaluation);
  const last = shape.length - 1;
  let next = 0;
  const copy = (axis: number, from: number): void => {
    const size = shape[axis] ?? 1;
    const stride = strides[axis] ?? 0;
    if (axis < last) for (let i = 0; i < size; i++) copy(axis + 1, from + i * stride);
    else for (let i = 0; i < size; i++) out[next++] = data[from + i * stride] ?? 0;
  };
  if (out.length > 0) copy(0, offset);
  return { data: out, shape };
}

/** A tensor repeated to a wider shape; itself where the shape is the same. */
export function broadcastTensor(x: Tensor, shape: readonly number[], evaluation: Evaluation): Tensor {
  if (x.shape.length === shape.length && x.shape.every((size, axis) => size === shape[axis])) return x;
  return copyStrided(x.data, shape, broadcastStrides(x.shape, shape), 0, evaluation);
}

/** Applies a function to each element. */
export function mapElements(x: Tensor, evaluation: Evaluation, apply: (value: number) => number): Tensor {
  const { data } = x;
  const out = evaluation.allocate(data.length);
  for (let i = 0; i < out.length; i++) out[i] = apply(data[i] ?? 0);
  return { data: out, shape: x.shape };
}

/** Applies a function to each pair of elements of two tensors that broadcast. */
export function zipElements(
  [x, y]: readonly [Tensor, Tensor],
  evaluation: Evaluation,
  apply: (a: number, b: number) => number,
): Tensor {
  const shape = broadcastShapes('an operation', x.shape, y.shape);
  const a = broadcastTensor(x, shape, evaluation).data;
  const b = broadcastTensor(y, shape, evaluation).data;
  const out = evaluation.allocate(a.length);
  for (let i = 0; i < out.length; i++) out[i] = apply(a[i] ?? 0, b[i] ?? 0);
  return { data: out, shape };
}

/** A tensor seen as rows along its last axis. */
export function rowsOf(x: Tensor): { readonly rows: number; readonly columns: number } {
  const columns = x.shape.at(-1) ?? 1;
  return { rows: columns === 0 ? 0 : x.data.length / columns, columns };
}

/** Reduces axes: `reduce` gets the values of one group as `data[from] … data[to - 1]`. */
export function reduceAxes(
  x: Tensor,
  { axes, keepDims }: { readonly axes: readonly number[]; readonly keepDims: boolean },
  evaluation: Evaluation,
  reduce: (data: TensorArray, from: number, to: number) => number,
): Tensor {
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const order = [...kept, ...axes];
  const strides = stridesOf(x.shape);
  const sizes = order.map((axis) => x.shape[axis] ?? 1);
  const inOrder = order.every((axis, i) => axis === i);
  const { data } = inOrder
    ? x
    : copyStrided(
        x.data,
        sizes,
        order.map((axis) => strides[axis] ?? 0),
        0,
        evaluation,
      );
  const rows = elements(sizes.slice(0, kept.length));
  const columns = elements(sizes.slice(kept.length));
  const out = evaluation.allocate(rows);
  for (let row = 0; row < rows; row++) out[row] = reduce(data, row * columns, (row + 1) * columns);
  return {
    data: out,
    shape: keepDims ? x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size)) : sizes.slice(0, kept.length),
  };
}
