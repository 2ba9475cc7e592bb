import { invalidArgument } from '../errors.js';
import { checkSparseIndices, type SparseIndices } from './sparseIndices.js';

/** Element types of the protocol's tensors. */
export type TensorDtype = 'float32' | 'int64';

/** Arrays that hold tensor elements: `Float32Array` for float32, the others for int64. */
export type TensorArray = Float32Array | Int32Array | BigInt64Array;

/** The part of tfjs that {@link TensorData.toTensor} needs. */
export interface TensorFactory<T> {
  /** Makes a tensor of values in row-major order. */
  tensor(values: Float32Array | Int32Array, shape: number[], dtype: 'float32' | 'int32'): T;
}

/** A tensor in row-major order, or a sparse matrix (CSR), over the caller's typed array (not copied). */
export class TensorData {
  // Declared only, as fields that are defined first and set then take twice as long; there is one for each datum.
  declare readonly data: TensorArray;
  declare readonly dtype: TensorDtype;
  declare readonly shape: readonly number[];
  /** Where the elements of a sparse matrix stand; missing in a dense tensor. */
  declare readonly sparse?: SparseIndices;

  /**
   * @param data the elements; their type gives the dtype
   * @param shape sizes of the dimensions; one dimension by default
   * @param sparse makes a matrix of `shape` that holds `data` at these places and zeros elsewhere
   * @throws TinkerError `invalid_argument` if the shape does not hold exactly these elements
   * @example
   * new TensorData(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
   */
  constructor(data: TensorArray, shape?: readonly number[], sparse?: SparseIndices) {
    this.data = data;
    this.dtype = data instanceof Float32Array ? 'float32' : 'int64';
    this.shape = shape ?? [data.length];
    if (sparse !== undefined) this.sparse = sparse;
    if (shape !== undefined || sparse !== undefined) checkShape(this);
  }

  /** Number of elements, with the zeros that a sparse matrix leaves out. */
  get length(): number {
    return sizeOf(this.shape);
  }

  /** The same tensor with every element in its place; itself where it is dense. */
  dense(): TensorData {
    const { data, shape, sparse } = this;
    if (sparse === undefined) return this;
    const full = emptyLike(data, this.length);
    const columns = shape[1] ?? 0;
    for (let row = 0; row + 1 < sparse.crowIndices.length; row++) {
      const end = sparse.crowIndices[row + 1] ?? 0;
      for (let at = sparse.crowIndices[row] ?? 0; at < end; at++) {
        full[row * columns + (sparse.colIndices[at] ?? 0)] = data[at] ?? 0;
      }
    }
    return new TensorData(full, shape);
  }

  /** The elements as plain numbers in row-major order; integers beyond 2⁵³ lose their last bits. */
  toArray(): number[] {
    const { data } = this.dense();
    return data instanceof BigInt64Array ? Array.from(data, Number) : Array.from(data);
  }

  /**
   * Makes a tfjs tensor of the same shape; int64 becomes int32, the only integer type that tfjs has.
   *
   * @example
   * ```ts
   * import * as tf from '@tensorflow/tfjs';
   * const output = await training.forward(data, 'cross_entropy').result();
   * const logprobs = output.lossFnOutputs[0]?.logprobs?.toTensor(tf);
   * ```
   */
  toTensor<T>(tf: TensorFactory<T>): T {
    const { data } = this.dense();
    if (data instanceof Float32Array) return tf.tensor(data, [...this.shape], 'float32');
    return tf.tensor(data instanceof Int32Array ? data : Int32Array.from(data, Number), [...this.shape], 'int32');
  }
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

function checkShape({ data, shape, sparse }: TensorData): void {
  const whole = shape.every((length) => Number.isInteger(length) && length >= 0);
  if (!whole || (sparse === undefined && sizeOf(shape) !== data.length)) {
    throw invalidArgument(`a shape for ${String(data.length)} elements`, `[${shape.join(', ')}]`);
  }
  if (sparse !== undefined) checkSparseIndices(sparse, data.length, shape);
}

function emptyLike(data: TensorArray, length: number): TensorArray {
  if (data instanceof Float32Array) return new Float32Array(length);
  return data instanceof Int32Array ? new Int32Array(length) : new BigInt64Array(length);
}
