import * as z from 'zod';
import { typeTag } from './typeTag.js';

/** Polls for the outcome of a promise. */
export const retrieveFutureRequest = z.strictObject({
  request_id: z.string(),
  allow_metadata_only: z.boolean().nullish(),
  model_id: z.string().nullish(),
  type: typeTag,
});
