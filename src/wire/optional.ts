import * as z from 'zod';

/** A field that servers leave out or send as null: both read as missing. */
export function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? undefined);
}

/** A field with a default where it is missing or null. */
export function withDefault<T extends z.ZodType>(schema: T, value: NonNullable<z.output<T>>) {
  return schema.nullish().transform((given) => given ?? value);
}

/** One of these strings; what later servers may add reads as `unknown`. */
export function openEnum<const T extends string>(...known: readonly T[]) {
  return z.string().transform((value): T | 'unknown' => known.find((name) => name === value) ?? 'unknown');
}
