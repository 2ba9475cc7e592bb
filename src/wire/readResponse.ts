import { en } from 'zod/locales';
import * as z from 'zod/mini';
import { TinkerError } from '../errors.js';

const decoder = new TextDecoder();
// The small zod says no more than "Invalid input" by itself.
const { localeError: error } = en();

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
export function readResponse<T>(schema: z.core.$ZodType<T>, json: unknown, endpoint: string): T {
  const read = z.safeParse(schema, json, { error });
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const field = issue === undefined || issue.path.length === 0 ? 'the body' : issue.path.map(String).join('.');
  throw new TinkerError(
    'invalid_response',
    `The answer of ${endpoint} does not have the expected shape: ${field}: ${issue?.message ?? 'invalid'}.`,
    { cause: read.error },
  );
}
