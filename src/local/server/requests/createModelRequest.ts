import * as z from 'zod';
import { loraConfig } from './loraConfig.js';
import { metadata } from './metadata.js';
import { optimizerConfig } from './optimizerConfig.js';
import { typeTag } from './typeTag.js';

/** Creates a model on a base model. */
export const createModelRequest = z.strictObject({
  session_id: z.string(),
  model_seq_id: z.int().min(0),
  base_model: z.string(),
  user_metadata: metadata.nullish(),
  lora_config: loraConfig.nullish(),
  optimizer_config: optimizerConfig.nullish(),
  type: typeTag,
});
