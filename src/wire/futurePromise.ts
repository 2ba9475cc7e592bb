import * as z from 'zod';
import { optional } from './optional.js';

/** What a server answers at once to work that takes time; the result is polled by `requestId`. */
export interface FuturePromise {
  readonly requestId: string;
  readonly modelId?: string;
  /** One id for each sample, where the server keeps provenance. */
  readonly sampleSequenceIds?: readonly string[];
}

/** JSON form of {@link FuturePromise}. */
export const futurePromiseSchema = z
  .object({
    request_id: z.string().min(1),
    model_id: optional(z.string()),
    sample_sequence_ids: optional(z.array(z.string())),
  })
  .transform(({ request_id: requestId, model_id: modelId, sample_sequence_ids: sampleSequenceIds }): FuturePromise => ({
    requestId,
    ...(modelId !== undefined && { modelId }),
    ...(sampleSequenceIds !== undefined && { sampleSequenceIds }),
  }));
