import * as z from 'zod';
import { typeTag } from './typeTag.js';

/** Opens a sampling session on a base model or a checkpoint. */
export const createSamplingSessionRequest = z.strictObject({
  session_id: z.string(),
  sampling_session_seq_id: z.int().min(0),
  base_model: z.string().nullish(),
  model_path: z.string().nullish(),
  type: typeTag,
});
