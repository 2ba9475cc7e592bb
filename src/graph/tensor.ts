/** The numbers of a tensor. Float64Array occurs only where the caller asks for that precision. */
export type TensorArray = Float32Array | Float64Array | Int32Array;

/** A dense tensor in row-major order. */
export interface Tensor {
  readonly data: TensorArray;
  readonly shape: readonly number[];
}

/** Number of elements of a shape. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
