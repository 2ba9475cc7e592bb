import * as z from 'zod';
import { ttlSeconds } from './ttlSeconds.js';
import { typeTag } from './typeTag.js';

/** Exports weights for use elsewhere. */
export const saveExternalRequest = z.strictObject({
  model_id: z.string(),
  seq_id: z.int(),
  path: z.string(),
  ttl_seconds: ttlSeconds.nullish(),
  age_encryption_recipients: z.array(z.string()).max(10).nullish(),
  type: typeTag,
});
