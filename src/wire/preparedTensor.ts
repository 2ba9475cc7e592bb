import type { TensorArray, TensorData, TensorDtype } from './tensorData.js';
import { type Path, type TensorInput, toTensorData } from './toTensorData.js';

/** A loss input that was checked. The numbers of an array stay in it until they are sent: no copy is made of them. */
export interface PreparedTensor extends Pick<TensorData, 'dtype' | 'shape' | 'sparse'> {
  readonly data: TensorArray | readonly number[];
}

/**
 * Brings an input into the dtype that the protocol wants, as {@link toTensorData} does, but leaves numbers where they
 * are if they need 32 bits at most.
 *
 * @throws TinkerError `invalid_argument`, naming path and position
 */
export function prepareTensor(input: TensorInput, dtype: TensorDtype | undefined, path: Path): PreparedTensor {
  if (dtype !== undefined && Array.isArray(input)) {
    const fits = dtype === 'float32' ? areFinite(input) : areIntegers(input);
    if (fits) return { data: input, dtype, shape: [input.length] };
  }
  return toTensorData(input, dtype, path);
}

function areFinite(values: readonly unknown[]): boolean {
  let sum = 0;
  // eslint-disable-next-line @typescript-eslint/prefer-for-of -- an iterator takes three times as long
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== 'number') return false;
    // Nothing for what is finite in float32, NaN for the rest.
    sum += 0 * Math.fround(value);
  }
  return sum === 0;
}

function areIntegers(values: readonly unknown[]): boolean {
  // eslint-disable-next-line @typescript-eslint/prefer-for-of -- as above
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== 'number' || (value | 0) !== value) return false;
  }
  return true;
}
