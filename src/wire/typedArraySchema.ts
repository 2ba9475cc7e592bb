import * as z from 'zod/mini';
import { transform } from './transform.js';

/** An array whose elements the reader checks itself: zod's own array would read each one by a schema. */
const array = z.custom<readonly unknown[]>((value) => Array.isArray(value), 'Expected an array');

/** A JSON array of numbers, read straight into float32; null, which stands for "none", becomes NaN. */
export const float32ArraySchema = transform(array, (values, context): Float32Array => {
  const data = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== 'number' && value !== null) return refuse(context, 'number', value, i);
    data[i] = value ?? NaN;
  }
  return data;
});

/** A JSON array of integers, read straight into int32, or into int64 where one does not fit. */
export const integerArraySchema = transform(array, (values, context): Int32Array | BigInt64Array => {
  const data = new Int32Array(values.length);
  let fits = true;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== 'number' || !Number.isInteger(value)) return refuse(context, 'integer', value, i);
    data[i] = value;
    fits &&= data[i] === value;
  }
  return fits ? data : BigInt64Array.from(values as readonly number[], BigInt);
});

/** A JSON array of token ids. */
export const tokensSchema = transform(integerArraySchema, (tokens, context): Int32Array => {
  if (tokens instanceof Int32Array) return tokens;
  context.issues.push({ code: 'custom', message: 'Expected token ids below 2³¹', input: tokens });
  return z.NEVER;
});

function refuse(context: z.core.ParsePayload, expected: string, value: unknown, index: number): never {
  const message = `Expected ${expected}, got ${typeof value} at position ${String(index)}`;
  context.issues.push({ code: 'custom', message, input: value });
  return z.NEVER;
}
