import * as s from './schema.js';

/** A field that servers leave out or send as null: both read as missing. */
export function optional<T>(schema: s.Schema<T>) {
  return s.transform(s.nullish(schema), (value) => value ?? undefined);
}

/** A field with a default where it is missing or null. */
export function withDefault<T>(schema: s.Schema<T>, value: NonNullable<T>) {
  return s.transform(s.nullish(schema), (given) => given ?? value);
}

/** One of these strings; what later servers may add reads as `unknown`. */
export function openEnum<const T extends string>(...known: readonly T[]) {
  return s.transform(s.string(), (value): T | 'unknown' => known.find((name) => name === value) ?? 'unknown');
}
