import * as z from 'zod';
import { typeTag } from './typeTag.js';

/** AdamW's parameters, missing ones by their documented defaults. */
const adamParams = z.strictObject({
  type: z.literal('adamw', { error: 'Expected the optimizer adamw, the only one of this server' }).nullish(),
  learning_rate: z.number().min(0).default(1e-4),
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.95),
  eps: z.number().min(0).default(1e-12),
  weight_decay: z.number().min(0).default(0),
  grad_clip_norm: z.number().min(0).default(0),
});

/** Applies the accumulated gradient. */
export const optimStepRequest = z.strictObject({
  model_id: z.string(),
  seq_id: z.int(),
  type: typeTag,
  adam_params: adamParams.nullish(),
  optimizer_params: adamParams.nullish(),
});

/** Reads missing parameters as all defaults. */
export const defaultAdamParams = adamParams.parse({});
