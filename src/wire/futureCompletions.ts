import * as z from 'zod/mini';
import { camelKeys } from './camelCase.js';
import { openEnum, optional } from './optional.js';
import { transform } from './transform.js';

/** A request of a sampling session whose result, or whose failure, can be fetched now. */
export interface FutureCompletion {
  readonly requestId: string;
  readonly state: 'finished' | 'failed' | 'unknown';
  /** Bytes of the result, where the server tells. */
  readonly responsePayloadUncompressedSize?: number;
}

/** What finished since a cursor; sending the new cursor back says that it was heard. */
export interface FutureCompletions {
  readonly completions: readonly FutureCompletion[];
  readonly cursor: number;
}

/** Answer of retrieve_futures. */
export const futureCompletionsSchema = transform(
  z.object({
    completions: z.array(
      transform(
        z.object({
          state: openEnum('finished', 'failed'),
          request_id: z.string(),
          response_payload_uncompressed_size: optional(z.number().check(z.nonnegative())),
        }),
        (completion): FutureCompletion => camelKeys(completion),
      ),
    ),
    cursor: z.int(),
  }),
  (answer): FutureCompletions => answer,
);
