import { describe, invalidArgument, TinkerError } from '../errors.js';
import { asInt32 } from './asInt32.js';
import { TensorData, type TensorDtype } from './tensorData.js';

/** The exponent of a float32. */
const EXPONENT = 0x7f800000;

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
  const data = new Float32Array(values.length);
  let sum = 0;
  for (let position = 0; position < data.length; position++) {
    const value = values[position];
    if (typeof value !== 'number') throw wrongElement('finite numbers', path, value, position);
    const rounded = Math.fround(value);
    data[position] = rounded;
    // Nothing for finite numbers, NaN for the others.
    sum += rounded - rounded;
  }
  if (sum !== 0) checkFinite(data, path, values);
  return data;
}

function toInt64(values: readonly unknown[], path: string): Int32Array | BigInt64Array {
  const narrow = asInt32(values);
  if (narrow !== undefined) return narrow;
  values.forEach((value, position) => {
    if (!Number.isSafeInteger(value)) throw wrongElement('integers', path, value, position);
  });
  return BigInt64Array.from(values as readonly number[], BigInt);
}

function checkFinite(data: Float32Array, path: string, given: ArrayLike<unknown> = data): void {
  // Infinities and NaN are what has all bits of the exponent set: comparing integers is the fastest way to find them.
  const bits = new Int32Array(data.buffer, data.byteOffset, data.length);
  for (let position = 0; position < bits.length; position++) {
    if (((bits[position] ?? 0) & EXPONENT) === EXPONENT) {
      throw wrongElement('finite numbers', path, given[position], position);
    }
  }
}

function wrongElement(expected: string, path: string, value: unknown, position: number): TinkerError {
  const got = `${describe(value)} at position ${String(position)}`;
  return new TinkerError('invalid_argument', `Expected ${expected} in ${path}, got ${got}.`);
}

function isTypedArray(input: unknown): input is Float32Array | Int32Array | BigInt64Array {
  return input instanceof Float32Array || input instanceof Int32Array || input instanceof BigInt64Array;
}
