import { describe, invalidArgument, TinkerError } from '../errors.js';
import { TensorData, type TensorDtype } from './tensorData.js';

/** What a caller may give where the protocol wants a tensor. Typed arrays are borrowed, not copied. */
export type TensorInput = TensorData | Float32Array | Int32Array | BigInt64Array | readonly number[];

/**
 * Brings an input into the dtype that the protocol wants and checks every element.
 *
 * Typed arrays of that dtype are kept as they are; number arrays and integer arrays given for float32 are converted.
 *
 * @param dtype the wanted type; `undefined` takes the array's own and refuses number arrays, which have none
 * @param path where the input stands, for messages, e.g. `data[3].lossFnInputs.weights`
 * @throws TinkerError `invalid_argument`, naming path and position
 */
export function toTensorData(input: TensorInput, dtype: TensorDtype | undefined, path: string): TensorData {
  if (input instanceof TensorData) return convert(input, dtype, path);
  if (isTypedArray(input)) return convert(new TensorData(input), dtype, path);
  if (!Array.isArray(input)) throw invalidArgument(`a typed array, number array or TensorData in ${path}`, input);
  if (dtype === undefined) {
    throw invalidArgument(
      `a Float32Array, Int32Array, BigInt64Array or TensorData in ${path}`,
      input,
      'A name that the protocol does not know has no dtype of its own.',
    );
  }
  return new TensorData(dtype === 'float32' ? toFloat32(input, path) : toInt64(input, path));
}

function convert(tensor: TensorData, dtype: TensorDtype | undefined, path: string): TensorData {
  const { data, shape, sparse } = tensor;
  if (dtype === 'int64' && data instanceof Float32Array) {
    throw invalidArgument(`integers (int64) in ${path}`, 'a Float32Array', 'Use an Int32Array or BigInt64Array.');
  }
  if (data instanceof Float32Array) {
    checkFinite(data, path);
    return tensor;
  }
  if (dtype !== 'float32') return tensor;
  const floats = data instanceof Int32Array ? Float32Array.from(data) : Float32Array.from(data, Number);
  return new TensorData(floats, shape, sparse);
}

function toFloat32(values: readonly unknown[], path: string): Float32Array {
  values.forEach((value, position) => {
    if (typeof value !== 'number') throw wrongElement('finite numbers', path, value, position);
  });
  const data = Float32Array.from(values as readonly number[]);
  checkFinite(data, path, values);
  return data;
}

function toInt64(values: readonly unknown[], path: string): Int32Array | BigInt64Array {
  values.forEach((value, position) => {
    if (!Number.isSafeInteger(value)) throw wrongElement('integers', path, value, position);
  });
  const integers = values as readonly number[];
  const narrow = integers.every((value) => (value | 0) === value);
  return narrow ? Int32Array.from(integers) : BigInt64Array.from(integers, BigInt);
}

function checkFinite(data: Float32Array, path: string, given: ArrayLike<unknown> = data): void {
  for (let position = 0; position < data.length; position++) {
    if (!Number.isFinite(data[position])) throw wrongElement('finite numbers', path, given[position], position);
  }
}

function wrongElement(expected: string, path: string, value: unknown, position: number): TinkerError {
  const got = `${describe(value)} at position ${String(position)}`;
  return new TinkerError('invalid_argument', `Expected ${expected} in ${path}, got ${got}.`);
}

function isTypedArray(input: unknown): input is Float32Array | Int32Array | BigInt64Array {
  return input instanceof Float32Array || input instanceof Int32Array || input instanceof BigInt64Array;
}
