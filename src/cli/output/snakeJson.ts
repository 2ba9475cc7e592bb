import { snakeCase } from '../../wire/camelCase.js';

/** Keys whose values have keys of the user's or the server's own. */
const kept = new Set(['userMetadata', 'sessions']);

/** A value with the keys that the protocol has: `tinkerPath` becomes `tinker_path`. */
export function snakeJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeJson);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value as Record<string, unknown>);
  return Object.fromEntries(entries.map(([key, item]) => [snakeCase(key), kept.has(key) ? item : snakeJson(item)]));
}
