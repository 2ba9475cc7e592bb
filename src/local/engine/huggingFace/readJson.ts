import { TinkerError } from '../../../errors.js';
import { hasFile, readText } from '../files.js';

/** An object of a JSON file. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The object in a JSON file; undefined where there is no such file.
 *
 * @throws TinkerError `invalid_config` where the file holds something else.
 */
export function readJson(file: string): JsonObject | undefined {
  if (!hasFile(file)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(readText(file));
  } catch (cause) {
    throw new TinkerError('invalid_config', `Expected JSON in ${file}, got something else.`, { cause });
  }
  if (!isJsonObject(value))
    throw new TinkerError('invalid_config', `Expected an object in ${file}, got ${JSON.stringify(value)}.`);
  return value;
}
