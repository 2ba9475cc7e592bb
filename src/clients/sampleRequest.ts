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

/** What a client says of all its samples. */
export class SampleSettings {
  /** Begins the text of each request; its seq_id follows. */
  readonly head: string;
  private last = '';

  /** @param recordStabilityInfo where a request says nothing of it */
  constructor(
    samplingSessionId: string,
    readonly recordStabilityInfo: boolean,
  ) {
    this.head = `{"sampling_session_id":${JSON.stringify(samplingSessionId)},"seq_id":`;
  }

  /** The same text again if it is the one before, as thousands of samples that wait may have it. */
  shared(text: string): string {
    if (text !== this.last) this.last = text;
    return this.last;
  }
}

/** One sample, ready to be sent. */
export class SampleJob {
  /** Estimate of its prompt's size. */
  readonly bytes: number;
  private readonly prompt: ModelInput;
  private readonly targets: TensorData | undefined;
  private readonly head: string;
  /** JSON text of what else is asked for: the request's own object may change after the call. */
  private readonly rest: string;
  private readonly wanted: WantedAnswer | undefined;

  /**
   * Checks a request.
   *
   * @param alwaysAgain sent anew after its result was lost, even where the server's flags say that samples are not
   * @throws TinkerError `invalid_argument`
   */
  constructor(
    request: SampleRequest,
    settings: SampleSettings,
    readonly alwaysAgain: boolean,
  ) {
    const { prompt, numSamples = 1, targetPromptLogprobs: targets } = request;
    if (!(prompt instanceof ModelInput))
      throw invalidArgument('prompt to be a ModelInput', prompt, 'Make one by ModelInput.fromTokens.');
    if (prompt.knownLength === 0) throw invalidArgument('a prompt of at least one token', 'none');
    checkNumber('numSamples', numSamples, { integer: true, min: 1 });
    const rest = JSON.stringify({
      num_samples: numSamples,
      sampling_params: toWireSamplingParams(request.samplingParams),
      prompt_logprobs: request.includePromptLogprobs ?? false,
      topk_prompt_logprobs: count('topkPromptLogprobs', request.topkPromptLogprobs) ?? 0,
      // What was not asked for is left out, as older servers don't know it.
      topk_sample_logprobs: count('topkSampleLogprobs', request.topkSampleLogprobs),
      prompt_alt_tokens_k: count('promptAltTokensK', request.promptAltTokensK),
      prompt_logprobs_last_n: lastN(request),
      record_stability_info: (request.recordStabilityInfo ?? settings.recordStabilityInfo) ? true : undefined,
      type: 'sample',
    });
    if (targets !== undefined) checkTargets(targets, prompt.length);
    this.prompt = prompt;
    this.targets = targets;
    this.head = settings.head;
    this.rest = settings.shared(rest);
    this.bytes = prompt.chunks.reduce((total, chunk) => total + chunkBytes(chunk, BYTES_PER_TOKEN), 0);
    this.wanted = wantedOf(request);
  }

  /** JSON text of the request under a seq_id, given in digits. */
  body(seqId: string): string {
    const { head, prompt, targets, rest } = this;
    const more = targets === undefined ? '' : `"target_prompt_logprobs":${tensorDataJson(targets)},`;
    return `${head}${seqId},"prompt":${modelInputJson(prompt)},${more}${rest.slice(1)}`;
  }

  /** Reads a result. @throws TinkerError `invalid_response` where something is not there that was asked for */
  read(body: ResultBody): SampleOutput {
    const output = sampleOutputDecoder(this.prompt.knownLength)(body);
    if (this.wanted !== undefined) checkAnswer(output, this.wanted);
    return output;
  }
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

/** What an answer must hold, and how far from the end it may have logprobs of the prompt. */
interface WantedAnswer {
  readonly promptLogprobs: boolean;
  readonly targetPromptLogprobs: boolean;
  readonly promptAltTokens: boolean;
  readonly lastN: number | undefined;
}

function wantedOf(request: SampleRequest): WantedAnswer | undefined {
  const wanted = {
    // Of a single token there is nothing to say.
    promptLogprobs: request.includePromptLogprobs === true && request.prompt.knownLength !== 1,
    targetPromptLogprobs: request.targetPromptLogprobs !== undefined,
    promptAltTokens: (request.promptAltTokensK ?? 0) > 0,
    lastN: request.promptLogprobsLastN,
  };
  // Most samples ask for nothing of that, and thousands of them may wait.
  return wanted.promptLogprobs || wanted.targetPromptLogprobs || wanted.promptAltTokens || wanted.lastN !== undefined
    ? wanted
    : undefined;
}

function checkAnswer({ promptLogprobs, ...more }: SampleOutput, wanted: WantedAnswer): void {
  const missing = [
    wanted.promptLogprobs && promptLogprobs === undefined ? 'prompt_logprobs' : '',
    wanted.targetPromptLogprobs && more.targetPromptLogprobs === undefined ? 'target_prompt_logprobs' : '',
    wanted.promptAltTokens && more.promptAltTokens === undefined ? 'prompt_alt_tokens' : '',
  ].filter((name) => name !== '');
  if (missing.length > 0) {
    throw new TinkerError(
      'invalid_response',
      `Expected ${missing.join(' and ')} in the result of sample, got none. The server may not offer it.`,
    );
  }
  const before = wanted.lastN === undefined ? undefined : promptLogprobs?.subarray(0, -wanted.lastN);
  if (before?.some((logprob) => !Number.isNaN(logprob)) === true) {
    throw new TinkerError(
      'invalid_response',
      `Expected logprobs of the last ${String(wanted.lastN)} prompt tokens only, got others. The server may not know prompt_logprobs_last_n.`,
    );
  }
}
