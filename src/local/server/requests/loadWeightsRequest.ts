import * as z from 'zod';
import { metadata } from './metadata.js';
import { optimizerConfig } from './optimizerConfig.js';
import { typeTag } from './typeTag.js';

const common = {
  path: z.string(),
  optimizer: z.boolean().nullish(),
  weights_access_token: z.string().nullish(),
  type: typeTag,
};

/** Loads into a live model. */
export const loadWeightsRequest = z.strictObject({ ...common, model_id: z.string(), seq_id: z.int() });

/** Creates a model from a checkpoint. */
export const createByLoadRequest = z.strictObject({
  ...common,
  session_id: z.string(),
  model_seq_id: z.int().min(0),
  base_model: z.string().nullish(),
  user_metadata: metadata.nullish(),
  optimizer_config: optimizerConfig.nullish(),
});
