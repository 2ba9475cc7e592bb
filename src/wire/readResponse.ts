import { TinkerError } from '../errors.js';
import type { Schema } from './schema.js';

const decoder = new TextDecoder();

/** Parses an answer's JSON text. @throws TinkerError `invalid_response`, naming the endpoint */
export function parseJson(body: Uint8Array, endpoint: string): unknown {
  const text = decoder.decode(body);
  try {
    return JSON.parse(text);
  } catch (cause) {
    const got = text.length === 0 ? 'an empty body' : JSON.stringify(text.slice(0, 60));
    throw new TinkerError('invalid_response', `Expected JSON from ${endpoint}, got ${got}.`, { cause });
  }
}

/** Reads an answer by its schema. @throws TinkerError `invalid_response`, naming the endpoint and the field */
export function readResponse<T>(schema: Schema<T>, json: unknown, endpoint: string): T {
  const read = schema.safeParse(json);
  if (read.success) return read.data;
  throw new TinkerError(
    'invalid_response',
    `The answer of ${endpoint} does not have the expected shape: ${String(read.error)}.`,
  );
}
