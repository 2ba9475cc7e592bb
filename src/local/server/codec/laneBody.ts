import type * as z from 'zod';
import type { ServerRequest } from '../serverRequest.js';
import { decodeJson } from './decodeJson.js';
import { parse } from './parse.js';

/** The body of a call that takes a seq_id: whose it is can be read even where the rest is wrong. */
export interface LaneBody<T> {
  /** Holds `model_id` and `seq_id`. */
  readonly ids: unknown;
  /** @throws TinkerError with status 400 or 422. */
  read(): T;
}

/** Reads such a body from JSON. */
export function jsonLaneBody<S extends z.ZodType>(request: ServerRequest, schema: S): LaneBody<z.output<S>> {
  const value = decodeJson(request);
  return { ids: value, read: () => parse(schema, value) };
}
