import { describe } from '../../../errors.js';
import { refusal } from '../refusal.js';

const int32 = 2 ** 31;

/** Copies integers in [least, 2³¹). @throws TinkerError with status 422 that names the first that is none. */
export function readIntegers(values: readonly unknown[], least: number, where: string): Int32Array {
  const integers = new Int32Array(values.length);
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index];
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value >= int32) {
      throw refusal(422, `${where}.${index}: Expected an integer in [${least}, 2³¹), got ${describe(value)}.`);
    }
    integers[index] = value;
  }
  return integers;
}

/** Copies numbers. @throws TinkerError with status 422 that names the first that is none. */
export function readFloats(values: readonly unknown[], where: string): Float32Array {
  const floats = new Float32Array(values.length);
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index];
    if (typeof value !== 'number') throw refusal(422, `${where}.${index}: Expected a number, got ${describe(value)}.`);
    floats[index] = value;
  }
  return floats;
}
