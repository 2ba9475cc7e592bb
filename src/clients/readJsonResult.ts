import type * as s from '../wire/schema.js';
import { TinkerError } from '../errors.js';
import type { ResultBody } from '../wire/futureAnswer.js';
import { readResponse } from '../wire/readResponse.js';

/** A reader of results that come as JSON. */
export function readJsonResult<T>(schema: s.Schema<T>, operation: string): (body: ResultBody) => T {
  return (body) => {
    if (body.kind !== 'json')
      throw new TinkerError('invalid_response', `Expected the result of ${operation} as JSON, got protobuf.`);
    return readResponse(schema, body.json, operation);
  };
}
