import { invalidArgument } from '../errors.js';

/** Element types of the protocol's tensors. */
export type TensorDtype = 'float32' | 'int64';

/** Arrays that hold tensor elements: `Float32Array` for float32, the others for int64. */
export type TensorArray = Float32Array | Int32Array | BigInt64Array;

/** The part of tfjs that {@link TensorData.toTensor} needs. */
export interface TensorFactory<T> {
  tensor(values: Float32Array | Int32Array, shape: number[], dtype: 'float32' | 'int32'): T;
}

/** A dense tensor in row-major order, over the caller's typed array (not copied). */
export class TensorData {
  readonly data: TensorArray;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];

  /**
   * @param data the elements; their type gives the dtype
   * @param shape sizes of the dimensions; one dimension by default
   * @throws TinkerError `invalid_argument` if the shape does not hold exactly these elements
   * @example
   * new TensorData(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
   */
  constructor(data: TensorArray, shape: readonly number[] = [data.length]) {
    const size = shape.reduce((product, length) => product * length, 1);
    if (!shape.every((length) => Number.isInteger(length) && length >= 0) || size !== data.length) {
      throw invalidArgument(`a shape for ${String(data.length)} elements`, `[${shape.join(', ')}]`);
    }
    this.data = data;
    this.dtype = data instanceof Float32Array ? 'float32' : 'int64';
    this.shape = shape;
  }

  /** Number of elements. */
  get length(): number {
    return this.data.length;
  }

  /** The elements as plain numbers in row-major order; integers beyond 2⁵³ lose their last bits. */
  toArray(): number[] {
    return this.data instanceof BigInt64Array ? Array.from(this.data, Number) : Array.from(this.data);
  }

  /**
   * Makes a tfjs tensor of the same shape; int64 becomes int32, the only integer type that tfjs has.
   *
   * @example
   * import * as tf from '@tensorflow/tfjs';
   * const logprobs = output.lossFnOutputs[0].logprobs.toTensor(tf);
   */
  toTensor<T>(tf: TensorFactory<T>): T {
    const { data } = this;
    if (data instanceof Float32Array) return tf.tensor(data, [...this.shape], 'float32');
    return tf.tensor(data instanceof Int32Array ? data : Int32Array.from(data, Number), [...this.shape], 'int32');
  }
}
