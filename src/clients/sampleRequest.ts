import { TinkerError, invalidArgument } from '../errors.js';
import {
  ModelInput,
  type ResultBody,
  type SampleOutput,
  type SamplingParams,
  TensorData,
  checkNumber,
  chunkBytes,
  modelInputJson,
  sampleOutputDecoder,
  tensorDataJson,
  toWireSamplingParams,
} from '../wire/index.js';
import type { SampleJob } from './sampleQueue.js';
import type { CallOptions } from './trainingOptions.js';

/** The protocol's estimate of a prompt's size on its way. */
const BYTES_PER_TOKEN = 10;

/** What to sample. */
export interface SampleRequest extends CallOptions {
  readonly prompt: ModelInput;
  /** Samples of the one prompt; default 1. */
  readonly numSamples?: number;
  readonly samplingParams?: SamplingParams;
  /** Logprobs of the prompt's tokens too; default false. */
  readonly includePromptLogprobs?: boolean;
  /** Logprobs of the last n tokens of the prompt only, NaN for the others; from 1 to its length − 1. */
  readonly promptLogprobsLastN?: number;
  /** The k likeliest tokens at each position of the prompt; default 0. */
  readonly topkPromptLogprobs?: number;
  /** The k likeliest tokens at each position of the samples; default 0. */
  readonly topkSampleLogprobs?: number;
  /**
   * Tokens to score in place of the prompt's: int64 of shape `[length − 1, k]`, dense or sparse; row i is for prompt
   * position i + 1, and −1 stands for none.
   */
  readonly targetPromptLogprobs?: TensorData;
  /** Tokens to draw in place of each prompt token but the first, at the temperature of the samples; default 0. */
  readonly promptAltTokensK?: number;
  /** Keeps what `stable_reinforce` needs of these samples; default: as the client was made. */
  readonly recordStabilityInfo?: boolean;
}

/** Checks a request and makes it ready to be sent. @throws TinkerError `invalid_argument` */
export function sampleJob(samplingSessionId: string, request: SampleRequest): SampleJob {
  const { prompt, numSamples = 1, targetPromptLogprobs: targets } = request;
  if (!(prompt instanceof ModelInput))
    throw invalidArgument('prompt to be a ModelInput', prompt, 'Make one by ModelInput.fromTokens.');
  const { knownLength } = prompt;
  if (knownLength === 0) throw invalidArgument('a prompt of at least one token', 'none');
  checkNumber('numSamples', numSamples, { integer: true, min: 1 });
  const fields = {
    num_samples: numSamples,
    sampling_params: toWireSamplingParams(request.samplingParams),
    prompt_logprobs: request.includePromptLogprobs ?? false,
    topk_prompt_logprobs: count('topkPromptLogprobs', request.topkPromptLogprobs) ?? 0,
    // What was not asked for is left out, as older servers don't know it.
    topk_sample_logprobs: count('topkSampleLogprobs', request.topkSampleLogprobs),
    prompt_alt_tokens_k: count('promptAltTokensK', request.promptAltTokensK),
    prompt_logprobs_last_n: lastN(request),
    record_stability_info: request.recordStabilityInfo === true ? true : undefined,
    type: 'sample',
  };
  if (targets !== undefined) checkTargets(targets, prompt.length);
  const session = JSON.stringify(samplingSessionId);
  const decode = sampleOutputDecoder(knownLength);
  return {
    body: (seqId) =>
      `{"sampling_session_id":${session},"seq_id":${seqId},"prompt":${modelInputJson(prompt)},` +
      (targets === undefined ? '' : `"target_prompt_logprobs":${tensorDataJson(targets)},`) +
      JSON.stringify(fields).slice(1),
    bytes: prompt.chunks.reduce((total, chunk) => total + chunkBytes(chunk, BYTES_PER_TOKEN), 0),
    read: (body: ResultBody) => checkAnswer(decode(body), request),
  };
}

function count(name: string, value: number | undefined): number | undefined {
  return value === undefined || value === 0 ? undefined : checkNumber(name, value, { integer: true, min: 0 });
}

function lastN({ promptLogprobsLastN: n, includePromptLogprobs, prompt }: SampleRequest): number | undefined {
  if (n === undefined) return undefined;
  const { length } = prompt;
  if (includePromptLogprobs !== true) throw invalidArgument('promptLogprobsLastN with includePromptLogprobs only', n);
  return checkNumber(`promptLogprobsLastN of a prompt of ${length} tokens`, n, {
    integer: true,
    min: 1,
    max: length - 1,
  });
}

function checkTargets(targets: TensorData, promptLength: number): void {
  const expected = `targetPromptLogprobs as int64 TensorData of shape [${promptLength - 1}, k]`;
  if (!(targets instanceof TensorData)) throw invalidArgument(expected, targets);
  const { data, dtype, shape } = targets;
  if (dtype !== 'int64' || shape.length !== 2 || shape[0] !== promptLength - 1) {
    throw invalidArgument(expected, `${dtype} of shape [${shape.join(', ')}]`);
  }
  const wrong = data.findIndex((token: number | bigint) => token < -1 || token > 0x7fffffff);
  if (wrong !== -1) {
    throw invalidArgument('targetPromptLogprobs to hold tokens, or −1 for none', `${String(data[wrong])} at ${wrong}`);
  }
}

/** Everything that was asked for must be there, and nothing before the suffix whose logprobs were wanted. */
function checkAnswer(output: SampleOutput, request: SampleRequest): SampleOutput {
  const { promptLogprobs } = output;
  const { promptLogprobsLastN: n } = request;
  const missing = [
    // Of a single token there is nothing to say.
    request.includePromptLogprobs === true && request.prompt.knownLength !== 1 && promptLogprobs === undefined
      ? 'prompt_logprobs'
      : '',
    request.targetPromptLogprobs !== undefined && output.targetPromptLogprobs === undefined
      ? 'target_prompt_logprobs'
      : '',
    (request.promptAltTokensK ?? 0) > 0 && output.promptAltTokens === undefined ? 'prompt_alt_tokens' : '',
  ].filter((name) => name !== '');
  if (missing.length > 0) {
    throw new TinkerError(
      'invalid_response',
      `Expected ${missing.join(' and ')} in the result of sample, got none. The server may not offer it.`,
    );
  }
  const before = n === undefined ? undefined : promptLogprobs?.subarray(0, -n);
  if (before?.some((logprob) => !Number.isNaN(logprob)) === true) {
    throw new TinkerError(
      'invalid_response',
      `Expected logprobs of the last ${String(n)} prompt tokens only, got others. The server may not know prompt_logprobs_last_n.`,
    );
  }
  return output;
}
