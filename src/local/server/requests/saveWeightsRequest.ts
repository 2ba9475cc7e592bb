import * as z from 'zod';
import { metadata } from './metadata.js';
import { ttlSeconds } from './ttlSeconds.js';
import { typeTag } from './typeTag.js';

/** Saves a model's whole state. */
export const saveWeightsRequest = z.strictObject({
  model_id: z.string(),
  seq_id: z.int(),
  path: z.string().nullish(),
  ttl_seconds: ttlSeconds.nullish(),
  overwrite: z.boolean().nullish(),
  user_metadata: metadata.nullish(),
  type: typeTag,
});
