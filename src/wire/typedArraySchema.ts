import * as s from './schema.js';

/** An array whose elements the reader checks itself. */
const array = new s.Schema<readonly unknown[]>((value, problem) =>
  Array.isArray(value) ? value : problem.refuse('Expected an array'),
);

/** A JSON array of numbers, read straight into float32; null, which stands for "none", becomes NaN. */
export const float32ArraySchema = s.transform(array, (values, context): Float32Array => {
  const data = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== 'number' && value !== null) return refuse(context, 'number', value, i);
    data[i] = value ?? NaN;
  }
  return data;
});

/** A JSON array of integers, read straight into int32, or into int64 where one does not fit. */
export const integerArraySchema = s.transform(array, (values, context): Int32Array | BigInt64Array => {
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
export const tokensSchema = s.transform(integerArraySchema, (tokens, context): Int32Array => {
  if (tokens instanceof Int32Array) return tokens;
  return context.refuse('Expected token ids below 2³¹');
});

function refuse(context: s.Problem, expected: string, value: unknown, index: number): never {
  return context.refuse(`Expected ${expected}, got ${typeof value} at position ${String(index)}`);
}
