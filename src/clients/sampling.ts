import { type Observable, map, of } from 'rxjs';
import { TinkerError, invalidArgument } from '../errors.js';
import type { Tokenizer } from '../tokenizer/index.js';
import type { ModelInput, SampleOutput } from '../wire/index.js';
import { makeOperation } from './connection.js';
import type { Operation } from './operation.js';
import { SampleQueue } from './sampleQueue.js';
import { type SampleRequest, SampleJob, SampleSettings } from './sampleRequest.js';
import { SampleWork } from './sampleWork.js';
import { writeSamplerHandle } from './samplerHandle.js';
import type { ServiceContext } from './serviceContext.js';
import type { CallOptions } from './trainingOptions.js';

/** Options of `computeLogprobs`. */
export type ComputeLogprobsOptions = CallOptions & Pick<SampleRequest, 'promptLogprobsLastN'>;

/** Samples from a base model or from trained weights; any number of operations run at the same time. */
export class SamplingClient {
  readonly samplingSessionId: string;
  readonly baseModel: string;
  private readonly sessionId: string;
  private readonly settings: SampleSettings;
  private readonly queue: SampleQueue;

  /** @internal Made by `createSamplingClient`. */
  constructor(
    private readonly service: ServiceContext,
    options: {
      /** The session that keeps the sampler alive. */
      readonly sessionId: string;
      readonly samplingSessionId: string;
      readonly baseModel: string;
      readonly recordStabilityInfo?: boolean | undefined;
      /** Which client of the sampler this is; default 0, the first. */
      readonly cloneId?: number;
    },
  ) {
    this.samplingSessionId = options.samplingSessionId;
    this.baseModel = options.baseModel;
    this.sessionId = options.sessionId;
    const { samplingSessionId, recordStabilityInfo = false } = options;
    this.settings = new SampleSettings(samplingSessionId, recordStabilityInfo);
    this.queue = new SampleQueue(service, options.samplingSessionId, options.cloneId);
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
    return this.draw(request);
  }

  /**
   * Logprobs of a prompt's tokens; NaN for the first, which nothing comes before, and where `promptLogprobsLastN` leaves
   * them out.
   */
  computeLogprobs(prompt: ModelInput, options: ComputeLogprobsOptions = {}): Operation<Float32Array> {
    const request = { ...options, prompt, includePromptLogprobs: true, samplingParams: { maxTokens: 1 } };
    const sampled = this.draw(request, true);
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

  /**
   * Text by which another client, in another process too, draws from the same sampler: see
   * `service.joinSampler(handle)`. It holds no key, and is good for as long as one of the clients is open.
   *
   * @example
   * ```ts
   * const handle = await sampling.getSamplerHandle().result();
   * const other = await service.joinSampler(handle).result();
   * ```
   */
  getSamplerHandle(options: CallOptions = {}): Operation<string> {
    const { sessionId, samplingSessionId, baseModel, service } = this;
    const { recordStabilityInfo } = this.settings;
    const handle = { sessionId, samplingSessionId, baseModel, recordStabilityInfo, baseUrl: service.baseUrl };
    return makeOperation(
      service.connection,
      {
        type: 'get_sampler_handle',
        send: () => of(undefined),
        poll: () => service.session.flags$.pipe(map((flags) => writeSamplerHandle(handle, flags))),
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

  private draw(request: SampleRequest, alwaysAgain = false): Operation<SampleOutput> {
    const job = new SampleJob(request, this.settings, alwaysAgain);
    const work = new SampleWork(this.queue, job);
    return makeOperation(this.service.connection, work, { signal: request.signal });
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
