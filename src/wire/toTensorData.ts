import { describe, invalidArgument, TinkerError } from '../errors.js';
import { asInt32 } from './asInt32.js';
import { TensorData, type TensorDtype } from './tensorData.js';

/** What a caller may give where the protocol wants a tensor; those of a datum are borrowed, not copied. */
export type TensorInput = TensorData | Float32Array | Int32Array | BigInt64Array | readonly number[];

/**
 * Brings an input into the dtype that the protocol wants and checks every element.
 *
 * Typed arrays of that dtype are kept as they are; number arrays and integer arrays given for float32 are converted.
 *
 * @param dtype the wanted type; `undefined` takes the array's own and refuses number arrays, which have none
 * @param path where the input stands, for messages, e.g. `data[3].lossFnInputs.weights`, or what tells it then
 * @throws TinkerError `invalid_argument`, naming path and position
 */
export function toTensorData(input: TensorInput, dtype: TensorDtype | undefined, path: Path): TensorData {
  // What most callers give first: each of these steps is taken for every input of a batch.
  if (input instanceof Int32Array && dtype !== 'float32') return new TensorData(input);
  if (input instanceof Float32Array && dtype !== 'int64') {
    checkFinite(input, path);
    return new TensorData(input);
  }
  if (input instanceof TensorData) return convert(input, dtype, path);
  if (isTypedArray(input)) return convert(new TensorData(input), dtype, path);
  if (!Array.isArray(input)) throw invalidArgument(`a typed array, number array or TensorData in ${told(path)}`, input);
  if (dtype === undefined) {
    throw invalidArgument(
      `a Float32Array, Int32Array, BigInt64Array or TensorData in ${told(path)}`,
      input,
      'A name that the protocol does not know has no dtype of its own.',
    );
  }
  return new TensorData(dtype === 'float32' ? toFloat32(input, path) : toInt64(input, path));
}

/** A place in the data; of a function, what it returns, so that none is written where nothing is wrong. */
export type Path = string | (() => string);

const told = (path: Path): string => (typeof path === 'string' ? path : path());

function convert(tensor: TensorData, dtype: TensorDtype | undefined, path: Path): TensorData {
  const { data, shape, sparse } = tensor;
  if (dtype === 'int64' && data instanceof Float32Array) {
    throw invalidArgument(`integers (int64) in ${told(path)}`, 'a Float32Array', 'Use an Int32Array or BigInt64Array.');
  }
  if (data instanceof Float32Array) {
    checkFinite(data, path);
    return tensor;
  }
  if (dtype !== 'float32') return tensor;
  const floats = data instanceof Int32Array ? Float32Array.from(data) : Float32Array.from(data, Number);
  return new TensorData(floats, shape, sparse);
}

function toFloat32(values: readonly unknown[], path: Path): Float32Array {
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
  if (sum !== 0) throw notFinite(data, path, values);
  return data;
}

function toInt64(values: readonly unknown[], path: Path): Int32Array | BigInt64Array {
  const narrow = asInt32(values);
  if (narrow !== undefined) return narrow;
  values.forEach((value, position) => {
    if (!Number.isSafeInteger(value)) throw wrongElement('integers', path, value, position);
  });
  return BigInt64Array.from(values as readonly number[], BigInt);
}

/** Adds what is nothing for finite numbers and NaN for the others; in two sums, as each waits for itself. */
function checkFinite(data: Float32Array, path: Path): void {
  const { length } = data;
  let even = 0;
  let odd = 0;
  for (let position = 1; position < length; position += 2) {
    even += 0 * (data[position - 1] ?? 0);
    odd += 0 * (data[position] ?? 0);
  }
  // The last of an odd number once more, or the second to last.
  if (length > 0) even += 0 * (data[length - 1] ?? 0);
  if (even + odd !== 0) throw notFinite(data, path);
}

function notFinite(data: Float32Array, path: Path, given: ArrayLike<unknown> = data): TinkerError {
  const position = data.findIndex((value) => !Number.isFinite(value));
  return wrongElement('finite numbers', path, given[position], position);
}

function wrongElement(expected: string, path: Path, value: unknown, position: number): TinkerError {
  const got = `${describe(value)} at position ${String(position)}`;
  return new TinkerError('invalid_argument', `Expected ${expected} in ${told(path)}, got ${got}.`);
}

function isTypedArray(input: unknown): input is Float32Array | Int32Array | BigInt64Array {
  return input instanceof Float32Array || input instanceof Int32Array || input instanceof BigInt64Array;
}
