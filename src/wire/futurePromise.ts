import * as s from './schema.js';
import { optional } from './optional.js';

/** What a server answers at once to work that takes time; the result is polled by `requestId`. */
export interface FuturePromise {
  readonly requestId: string;
  readonly modelId?: string;
  /** One id for each sample, where the server keeps provenance. */
  readonly sampleSequenceIds?: readonly string[];
}

/** JSON form of {@link FuturePromise}. */
export const futurePromiseSchema = s.transform(
  s.object({
    request_id: s.string().check(s.minLength(1)),
    model_id: optional(s.string()),
    sample_sequence_ids: optional(s.array(s.string())),
  }),
  ({ request_id: requestId, model_id: modelId, sample_sequence_ids: sampleSequenceIds }): FuturePromise => ({
    requestId,
    ...(modelId !== undefined && { modelId }),
    ...(sampleSequenceIds !== undefined && { sampleSequenceIds }),
  }),
);
