import { type Fields, bytesField, integerField, readMessage, into } from './readMessage.js';
import { type TensorMessage, NO_BYTES, tensorMessage } from './tensorMessage.js';

/** A SampleResponse as it came. */
export interface SampleMessage {
  readonly sequences: SequenceMessage[];
  promptLogprobs?: Uint8Array;
  topkPromptLogprobs?: TopkMessage;
  promptCacheHitTokens: number;
  targetPromptLogprobs?: TensorMessage;
  promptAltTokens?: AltTokensMessage;
}

/** A sample as it came. */
export interface SequenceMessage {
  stopReason: number;
  tokens: Uint8Array;
  logprobs?: Uint8Array;
  topkSampledLogprobs?: TopkMessage;
}

/** `length` rows of `k` cells. */
export interface TopkMessage {
  tokenIds: Uint8Array;
  logprobs: Uint8Array;
  k: number;
  length: number;
}

/** Other tokens for a prompt's, and their logprobs. */
export interface AltTokensMessage {
  tokens?: TensorMessage;
  logprobs?: TensorMessage;
}

const topkFields: Fields<TopkMessage> = {
  1: bytesField(into('tokenIds')),
  2: bytesField(into('logprobs')),
  3: integerField(into('k')),
  4: integerField(into('length')),
};

function topkMessage(
  bytes: Uint8Array,
  before: TopkMessage = { tokenIds: NO_BYTES, logprobs: NO_BYTES, k: 0, length: 0 },
): TopkMessage {
  return readMessage(bytes, before, topkFields);
}

const sequenceFields: Fields<SequenceMessage> = {
  1: integerField(into('stopReason')),
  2: bytesField(into('tokens')),
  3: bytesField(into('logprobs')),
  4: bytesField((sequence, bytes) => {
    sequence.topkSampledLogprobs = topkMessage(bytes, sequence.topkSampledLogprobs);
  }),
};

const altTokensFields: Fields<AltTokensMessage> = {
  1: bytesField((alternatives, bytes) => {
    alternatives.tokens = tensorMessage(bytes, alternatives.tokens);
  }),
  2: bytesField((alternatives, bytes) => {
    alternatives.logprobs = tensorMessage(bytes, alternatives.logprobs);
  }),
};

const sampleFields: Fields<SampleMessage> = {
  1: bytesField((sample, bytes) => {
    sample.sequences.push(readMessage(bytes, { stopReason: 0, tokens: NO_BYTES }, sequenceFields));
  }),
  2: bytesField(into('promptLogprobs')),
  3: bytesField((sample, bytes) => {
    sample.topkPromptLogprobs = topkMessage(bytes, sample.topkPromptLogprobs);
  }),
  4: integerField(into('promptCacheHitTokens')),
  5: bytesField((sample, bytes) => {
    sample.targetPromptLogprobs = tensorMessage(bytes, sample.targetPromptLogprobs);
  }),
  6: bytesField((sample, bytes) => {
    sample.promptAltTokens = readMessage(bytes, sample.promptAltTokens ?? {}, altTokensFields);
  }),
};

/** Reads a SampleResponse. @throws Error for bytes that are none */
export function sampleMessage(bytes: Uint8Array): SampleMessage {
  return readMessage(bytes, { sequences: [], promptCacheHitTokens: 0 }, sampleFields);
}
