import * as z from 'zod';
import { modelInput } from './modelInput.js';
import { tensorData } from './tensorData.js';
import { token } from './token.js';
import { typeTag } from './typeTag.js';

const text = z.string().min(1);

const samplingParams = z.strictObject({
  max_tokens: z.int().min(1).nullish(),
  seed: z.int().min(0).nullish(),
  stop: z.union([text, z.array(text).min(1), z.array(token)]).nullish(),
  temperature: z.number().min(0).default(1),
  top_k: z
    .int()
    .min(-1)
    .refine((value) => value !== 0, { error: 'Expected -1 (all tokens) or at least 1' })
    .default(-1),
  top_p: z.number().gt(0).max(1).default(1),
});

/** Draws samples after a prompt. */
export const sampleRequest = z.strictObject({
  sampling_session_id: z.string(),
  /** Counts from 0; clones of a client add their number times 10⁹. An int64, as text. */
  seq_id: z.union([z.int().min(0), z.string().regex(/^\d{16,19}$/)]).transform(String),
  num_samples: z.int().min(1).default(1),
  prompt: modelInput,
  sampling_params: samplingParams,
  prompt_logprobs: z.boolean().nullish(),
  prompt_logprobs_last_n: z.int().min(1).nullish(),
  topk_prompt_logprobs: z.int().min(0).nullish(),
  topk_sample_logprobs: z.int().min(0).nullish(),
  target_prompt_logprobs: tensorData.nullish(),
  prompt_alt_tokens_k: z.int().min(0).nullish(),
  record_stability_info: z.boolean().nullish(),
  type: typeTag,
});

export type SampleRequest = z.infer<typeof sampleRequest>;
