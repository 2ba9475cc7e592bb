import * as s from './schema.js';
import { camelKeys } from './camelCase.js';
import { openEnum, optional } from './optional.js';

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
export const futureCompletionsSchema = s.transform(
  s.object({
    completions: s.array(
      s.transform(
        s.object({
          state: openEnum('finished', 'failed'),
          request_id: s.string(),
          response_payload_uncompressed_size: optional(s.number().check(s.nonnegative())),
        }),
        (completion): FutureCompletion => camelKeys(completion),
      ),
    ),
    cursor: s.int(),
  }),
  (answer): FutureCompletions => answer,
);
