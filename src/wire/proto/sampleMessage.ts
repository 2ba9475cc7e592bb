import { type Fields, bytesField, integerField, into, messageField, readMessage } from './readMessage.js';
import { type TensorMessage, NO_BYTES, noTensor, tensorFields } from './tensorMessage.js';

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

const noTopk = (): TopkMessage => ({ tokenIds: NO_BYTES, logprobs: NO_BYTES, k: 0, length: 0 });

const sequenceFields: Fields<SequenceMessage> = {
  1: integerField(into('stopReason')),
  2: bytesField(into('tokens')),
  3: bytesField(into('logprobs')),
  4: messageField((sequence) => (sequence.topkSampledLogprobs ??= noTopk()), topkFields),
};

const altTokensFields: Fields<AltTokensMessage> = {
  1: messageField((alternatives) => (alternatives.tokens ??= noTensor()), tensorFields),
  2: messageField((alternatives) => (alternatives.logprobs ??= noTensor()), tensorFields),
};

const sampleFields: Fields<SampleMessage> = {
  1: messageField(
    (): SequenceMessage => ({ stopReason: 0, tokens: NO_BYTES }),
    sequenceFields,
    (sample, sequence) => {
      sample.sequences.push(sequence);
    },
  ),
  2: bytesField(into('promptLogprobs')),
  3: messageField((sample) => (sample.topkPromptLogprobs ??= noTopk()), topkFields),
  4: integerField(into('promptCacheHitTokens')),
  5: messageField((sample) => (sample.targetPromptLogprobs ??= noTensor()), tensorFields),
  6: messageField((sample) => (sample.promptAltTokens ??= {}), altTokensFields),
};

/** Reads a SampleResponse. @throws Error for bytes that are none */
export function sampleMessage(bytes: Uint8Array): SampleMessage {
  return readMessage(bytes, { sequences: [], promptCacheHitTokens: 0 }, sampleFields);
}
