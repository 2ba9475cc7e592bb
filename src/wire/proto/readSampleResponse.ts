import { type SampleOutput, type SampledSequence, type TokenLogprob, withFirstToken } from '../sampleOutput.js';
import { float32Of, int32Of, invalidMessage, messageOf } from './packedArrays.js';
import { readTensor } from './readTensor.js';
import { type AltTokensMessage, type SequenceMessage, type TopkMessage, sampleMessage } from './sampleMessage.js';

/** By number; later servers may send others. */
const stopReasons: readonly SampledSequence['stopReason'][] = ['stop', 'length'];

/** Stands in the first cell of a row that has no candidates. */
const NO_ROW = { token: 0, logprob: -99999 };

/**
 * Decodes the protobuf result of a sample; tokens and logprobs stay in the answer's memory where it is aligned.
 *
 * @param promptLength tokens of the prompt: some servers leave out the first token, which has no logprob
 * @throws TinkerError `invalid_response`, naming what is wrong
 */
export function readSampleResponse(bytes: Uint8Array, promptLength: number | undefined): SampleOutput {
  const message = messageOf('SampleResponse', sampleMessage, bytes);
  const logprobs = floatsUnlessEmpty(message.promptLogprobs, 'prompt_logprobs');
  const topk = rowsOf(message.topkPromptLogprobs, 'topk_prompt_logprobs');
  const targets = message.targetPromptLogprobs;
  return {
    sequences: message.sequences.map(sequenceOf),
    ...(logprobs !== undefined && { promptLogprobs: withFirstToken(logprobs, promptLength) }),
    ...(topk !== undefined && { topkPromptLogprobs: topk }),
    ...(targets !== undefined && { targetPromptLogprobs: readTensor(targets, 'target_prompt_logprobs') }),
    ...altTokensOf(message.promptAltTokens),
    promptCacheHitTokens: message.promptCacheHitTokens,
  };
}

function altTokensOf(message: AltTokensMessage | undefined): Pick<SampleOutput, 'promptAltTokens'> {
  if (message?.tokens === undefined || message.logprobs === undefined) return {};
  return {
    promptAltTokens: {
      tokens: readTensor(message.tokens, 'the tokens of prompt_alt_tokens'),
      logprobs: readTensor(message.logprobs, 'the logprobs of prompt_alt_tokens'),
    },
  };
}

function sequenceOf(message: SequenceMessage, index: number): SampledSequence {
  const logprobs = floatsUnlessEmpty(message.logprobs, `the logprobs of sequence ${index}`);
  const topk = rowsOf(message.topkSampledLogprobs, `the top-k logprobs of sequence ${index}`);
  return {
    tokens: int32Of(message.tokens, `the tokens of sequence ${index}`),
    ...(logprobs !== undefined && { logprobs }),
    ...(topk !== undefined && { topkSampledLogprobs: topk }),
    stopReason: stopReasons[message.stopReason] ?? 'unknown',
  };
}

function floatsUnlessEmpty(bytes: Uint8Array | undefined, where: string): Float32Array | undefined {
  return bytes === undefined || bytes.length === 0 ? undefined : float32Of(bytes, where);
}

function rowsOf(topk: TopkMessage | undefined, where: string): TokenLogprob[][] | undefined {
  if (topk === undefined || topk.k === 0 || topk.length === 0) return undefined;
  const { tokenIds, logprobs, k, length } = topk;
  const tokens = int32Of(tokenIds, where);
  const values = float32Of(logprobs, where);
  if (tokens.length !== k * length || values.length !== k * length) {
    throw invalidMessage(
      `expected ${length} rows of ${k} in ${where}, got ${tokens.length} tokens and ${values.length} logprobs`,
    );
  }
  return Array.from({ length }, (_, row) => {
    const cells = Array.from({ length: k }, (_cell, cell): TokenLogprob => ({
      token: tokens[row * k + cell] ?? 0,
      logprob: values[row * k + cell] ?? 0,
    }));
    const isMissing = cells[0]?.token === NO_ROW.token && cells[0].logprob === NO_ROW.logprob;
    return isMissing ? [] : cells;
  });
}
