import * as z from 'zod';
import { metadata } from './metadata.js';
import { ttlSeconds } from './ttlSeconds.js';
import { typeTag } from './typeTag.js';

/** Saves weights to sample from: under a path, as a sampling session, or under a path of the server's choice. */
export const saveWeightsForSamplerRequest = z
  .strictObject({
    model_id: z.string(),
    seq_id: z.int(),
    path: z.string().nullish(),
    sampling_session_seq_id: z.int().min(0).nullish(),
    kind: z.enum(['snapshot', 'inflight']).nullish(),
    ttl_seconds: ttlSeconds.nullish(),
    user_metadata: metadata.nullish(),
    type: typeTag,
  })
  .refine(
    ({ path, sampling_session_seq_id }) => typeof path !== 'string' || typeof sampling_session_seq_id !== 'number',
    {
      error: 'Expected path or sampling_session_seq_id, got both',
    },
  );
