import * as s from './schema.js';
import { camelKeys } from './camelCase.js';
import { openEnum, optional } from './optional.js';
import type { TensorData } from './tensorData.js';
import { tensorDataSchema } from './tensorDataSchema.js';
import { float32ArraySchema, tokensSchema } from './typedArraySchema.js';

/** One sample. */
export interface SampledSequence {
  /** The server's id of it, for provenance; missing where the server keeps none. */
  readonly sequenceId?: string;
  /** The drawn tokens; one that ended the sample is the last. */
  readonly tokens: Int32Array;
  /** Log-softmax of the raw logits at each token, whatever the temperature, top-k and top-p. */
  readonly logprobs?: Float32Array;
  /** For each drawn token the likeliest ones there, likeliest first; empty where there are none. */
  readonly topkSampledLogprobs?: readonly (readonly TokenLogprob[])[];
  readonly stopReason: 'stop' | 'length' | 'unknown';
}

/** A token and its logprob. */
export interface TokenLogprob {
  readonly token: number;
  readonly logprob: number;
}

/** Result of `sample`. */
export interface SampleOutput {
  readonly sequences: readonly SampledSequence[];
  /** One a prompt token; NaN where there is none, as for the first. */
  readonly promptLogprobs?: Float32Array;
  /** For each prompt token the likeliest ones there, likeliest first; empty where there are none. */
  readonly topkPromptLogprobs?: readonly (readonly TokenLogprob[])[];
  /** Logprobs of the target tokens that were given for the prompt, in the same shape and layout; 0 where none was. */
  readonly targetPromptLogprobs?: TensorData;
  /** Tokens drawn in place of each prompt token but the first: `[length − 1, k]`, and their logprobs. */
  readonly promptAltTokens?: { readonly tokens: TensorData; readonly logprobs: TensorData };
  /** Tokens of the prompt that the server had in its cache. */
  readonly promptCacheHitTokens?: number;
}

const topkSchema = s.transform(
  s.nullable(
    s.array(s.transform(s.pair(s.int(), s.number()), ([token, logprob]): TokenLogprob => ({ token, logprob }))),
  ),
  (row) => row ?? [],
);

const sequenceSchema = s.transform(
  s.object({
    tokens: tokensSchema,
    logprobs: optional(float32ArraySchema),
    topk_sampled_logprobs: optional(s.array(topkSchema)),
    stop_reason: openEnum('stop', 'length'),
  }),
  (sequence): SampledSequence => camelKeys(sequence),
);

/**
 * JSON form of {@link SampleOutput}.
 *
 * @param promptLength tokens of the prompt: some servers leave out the first token, which has no logprob
 */
export function sampleOutputSchema(promptLength: number | undefined): s.Schema<SampleOutput> {
  return s.transform(
    s.object({
      sequences: s.array(sequenceSchema),
      prompt_logprobs: optional(s.transform(float32ArraySchema, (values) => withFirstToken(values, promptLength))),
      topk_prompt_logprobs: optional(s.array(topkSchema)),
      target_prompt_logprobs: optional(tensorDataSchema),
      prompt_alt_tokens: optional(s.object({ tokens: tensorDataSchema, logprobs: tensorDataSchema })),
      prompt_cache_hit_tokens: optional(s.int().check(s.nonnegative())),
    }),
    (output): SampleOutput => camelKeys(output),
  );
}

/** Logprobs of all tokens of a prompt, with NaN for the first where a server left it out. */
export function withFirstToken(values: Float32Array, promptLength: number | undefined): Float32Array {
  if (promptLength === undefined || values.length !== promptLength - 1) return values;
  const all = new Float32Array(promptLength);
  all[0] = NaN;
  all.set(values, 1);
  return all;
}
