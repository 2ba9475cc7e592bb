import { type Observable, map, of } from 'rxjs';
import { TinkerError, invalidArgument } from '../errors.js';
import type { Tokenizer } from '../tokenizer/index.js';
import {
  ModelInput,
  type SampleOutput,
  type SamplingParams,
  modelInputJson,
  sampleOutputDecoder,
  toWireSamplingParams,
} from '../wire/index.js';
import { makeOperation } from './connection.js';
import type { Operation } from './operation.js';
import { SampleQueue } from './sampleQueue.js';
import type { ServiceContext } from './serviceContext.js';
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
  /** The k likeliest tokens at each position of the prompt; default 0. */
  readonly topkPromptLogprobs?: number;
}

/** Samples from a base model or from trained weights; any number of operations run at the same time. */
export class SamplingClient {
  readonly samplingSessionId: string;
  readonly baseModel: string;
  private readonly queue: SampleQueue;

  /** @internal Made by `createSamplingClient`. */
  constructor(
    private readonly service: ServiceContext,
    options: { readonly samplingSessionId: string; readonly baseModel: string },
  ) {
    this.samplingSessionId = options.samplingSessionId;
    this.baseModel = options.baseModel;
    this.queue = new SampleQueue(service, options.samplingSessionId);
  }

  /**
   * Draws samples that go on after a prompt.
   *
   * Logprobs are of the model's own distribution, whatever the temperature, top-k and top-p.
   *
   * @example
   * ```ts
   * const { sequences } = await sampling
   *   .sample({ prompt, numSamples: 4, samplingParams: { maxTokens: 32, temperature: 0.7, seed: 1 } })
   *   .result();
   * ```
   */
  sample(request: SampleRequest): Operation<SampleOutput> {
    const { prompt, numSamples = 1, includePromptLogprobs = false, topkPromptLogprobs = 0 } = request;
    if (!(prompt instanceof ModelInput))
      throw invalidArgument('prompt to be a ModelInput', prompt, 'Make one by ModelInput.fromTokens.');
    if (prompt.length === 0) throw invalidArgument('a prompt of at least one token', 'none');
    if (!Number.isInteger(numSamples) || numSamples < 1)
      throw invalidArgument('numSamples to be an integer ≥ 1', numSamples);
    const params = JSON.stringify(toWireSamplingParams(request.samplingParams));
    const { connection } = this.service;
    const body = (seqId: number): string =>
      `{"sampling_session_id":${JSON.stringify(this.samplingSessionId)},"seq_id":${seqId},"num_samples":${numSamples},` +
      `"prompt":${modelInputJson(prompt)},"sampling_params":${params},"prompt_logprobs":${includePromptLogprobs},` +
      `"topk_prompt_logprobs":${topkPromptLogprobs},"type":"sample"}`;
    const job = { body, bytes: BYTES_PER_TOKEN * prompt.length, read: sampleOutputDecoder(prompt.length) };
    return makeOperation(connection, this.queue.work(job), request);
  }

  /** Logprobs of a prompt's tokens; NaN for the first, which nothing comes before. */
  computeLogprobs(prompt: ModelInput, options: CallOptions = {}): Operation<Float32Array> {
    const sampled = this.sample({
      ...options,
      prompt,
      includePromptLogprobs: true,
      samplingParams: { maxTokens: 1 },
    });
    return makeOperation(
      this.service.connection,
      {
        type: 'compute_logprobs',
        send: () => of(undefined),
        poll: () =>
          sampled.pipe(
            map(({ promptLogprobs }) => {
              if (promptLogprobs !== undefined) return promptLogprobs;
              throw new TinkerError('invalid_response', 'Expected prompt_logprobs in the result of sample, got none.');
            }),
          ),
      },
      options,
    );
  }

  /** The base model's tokenizer. Errors: `tokenizer_unavailable`. */
  getTokenizer(options: CallOptions = {}): Operation<Tokenizer> {
    return makeOperation(
      this.service.connection,
      {
        type: 'get_tokenizer',
        send: () => of(undefined),
        poll: () => this.service.tokenizer({ modelName: this.baseModel }),
      },
      options,
    );
  }

  /** The text of tokens, by the base model's tokenizer. */
  decode(tokens: ArrayLike<number>): Operation<string> {
    return this.withTokenizer('decode', (tokenizer) => tokenizer.decode(tokens));
  }

  /** The tokens of a text, by the base model's tokenizer. */
  encode(text: string): Operation<readonly number[]> {
    if (typeof text !== 'string') throw invalidArgument('text as a string', text);
    return this.withTokenizer('encode', (tokenizer) => tokenizer.encode(text));
  }

  private withTokenizer<T>(type: string, use: (tokenizer: Tokenizer) => T): Operation<T> {
    const found: Observable<Tokenizer> = this.getTokenizer();
    return makeOperation(this.service.connection, {
      type,
      send: () => of(undefined),
      poll: () => found.pipe(map(use)),
    });
  }
}
