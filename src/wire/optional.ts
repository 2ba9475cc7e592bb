import * as z from 'zod/mini';
import { transform } from './transform.js';

/** A field that servers leave out or send as null: both read as missing. */
export function optional<T extends z.core.$ZodType>(schema: T) {
  return transform(z.nullish(schema), (value) => value ?? undefined);
}

/** A field with a default where it is missing or null. */
export function withDefault<T extends z.core.$ZodType>(schema: T, value: NonNullable<z.output<T>>) {
  return transform(z.nullish(schema), (given) => given ?? value);
}

/** One of these strings; what later servers may add reads as `unknown`. */
export function openEnum<const T extends string>(...known: readonly T[]) {
  return transform(z.string(), (value): T | 'unknown' => known.find((name) => name === value) ?? 'unknown');
}
