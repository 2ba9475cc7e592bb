import { BehaviorSubject, type Observable, Subject, distinctUntilChanged, map, of, switchMap } from 'rxjs';
import { invalidArgument } from '../errors.js';
import { type CustomLoss, checkCustomLoss } from '../losses/index.js';
import type { Tokenizer } from '../tokenizer/index.js';
import {
  type AdamParams,
  type Datum,
  type ExternalWeights,
  type ForwardBackwardOutput,
  type LossName,
  type ModelInfo,
  type OptimStepOutput,
  type SavedSamplerWeights,
  type SavedState,
  checkLossName,
  modelInfoSchema,
  toWireLossConfig,
  validateData,
} from '../wire/index.js';
import { makeOperation } from './connection.js';
import { customLossWork } from './customLossWork.js';
import { forwardBackwardWork } from './forwardBackwardWork.js';
import { Lane } from './lane.js';
import { type LaneRequest, laneWork } from './laneWork.js';
import type { ModelContext, OperationEvent, OperationMetrics } from './modelContext.js';
import type { Operation } from './operation.js';
import type { QueueState } from './operationProgress.js';
import { type SaveExternalOptions, saveExternalRequest } from './saveExternalRequest.js';
import { saveAndSample } from './saveAndSample.js';
import type { SamplingClient } from './sampling.js';
import { createSamplingSession } from './samplingSession.js';
import type { ServiceContext } from './serviceContext.js';
import type { Telemetry } from './telemetry.js';
import type {
  CallOptions,
  CustomLossOptions,
  LoadStateOptions,
  PassOptions,
  SaveAndSampleOptions,
  SaveStateOptions,
  SaveWeightsOptions,
  TokenizerOptions,
} from './trainingOptions.js';
import { loadStateRequest, optimStepRequest, saveForSamplerRequest, saveStateRequest } from './trainingRequests.js';
import { unloadWork } from './unloadWork.js';
import { warnOfPauses } from './warnOfPauses.js';

/**
 * Trains one LoRA adapter: every method returns an {@link Operation}, sent in the order of subscription.
 *
 * @example
 * ```ts
 * const step = merge(training.forwardBackward(data, 'cross_entropy'), training.optimStep({ learningRate: 1e-4 }));
 * await lastValueFrom(step);
 * ```
 */
export class TrainingClient {
  /** The server's id of the model. */
  readonly modelId: string;
  /** The base model's name. */
  readonly baseModel: string;
  /** Whether the server works on this model; the latest state at once, `active` at first. Completes on unload. */
  readonly queueState$: Observable<QueueState>;
  /** Each operation sent, done or failed; replays nothing, never errors, completes on unload. */
  readonly events$: Observable<OperationEvent>;
  /** Metrics of each finished operation that has some; replays nothing, never errors, completes on unload. */
  readonly metrics$: Observable<OperationMetrics>;
  private readonly model: ModelContext;
  private tokenizerOf: Observable<Tokenizer> | undefined;

  /** @internal Made by `service.createLoraTrainingClient`. */
  constructor(
    private readonly service: ServiceContext,
    private readonly info: ModelInfo,
    options: Pick<ModelContext, 'flags'> & { readonly baseModel: string; readonly firstSeqId: number },
  ) {
    const queueState = new BehaviorSubject<QueueState>({ state: 'active' });
    const events = new Subject<OperationEvent>();
    const metrics = new Subject<OperationMetrics>();
    this.modelId = info.modelId;
    this.baseModel = options.baseModel;
    this.queueState$ = queueState.pipe(distinctUntilChanged((a, b) => a.state === b.state && a.reason === b.reason));
    this.events$ = events.asObservable();
    this.metrics$ = metrics.asObservable();
    this.model = {
      connection: service.connection,
      modelId: info.modelId,
      lane: new Lane(options.firstSeqId),
      flags: options.flags,
      uploadedLosses: service.uploadedLosses,
      savedNames: new Set(),
      wireFormat: service.session.wireFormat,
      queueState,
      events,
      metrics,
      steps: 0,
    };
    warnOfPauses(this.queueState$, { kind: 'training', id: info.modelId }, service);
    service.models.add(this.model);
  }

  /** Computes the outputs of a loss without a gradient. Errors: `invalid_argument` at the call. */
  forward(data: readonly Datum[], loss: LossName, options: PassOptions = {}): Operation<ForwardBackwardOutput> {
    return this.pass(data, loss, options, true);
  }

  /**
   * Computes a loss, summed over all positions of the batch, and adds its gradient to what the next `optimStep` applies.
   *
   * A large batch is sent in chunks and answered with one reduced result. Errors: `invalid_argument` at the call,
   * `request_failed`, `partial_gradient`, and those of every operation.
   *
   * @example
   * ```ts
   * const { metrics } = await training.forwardBackward(data, 'cross_entropy').result();
   * ```
   */
  forwardBackward(data: readonly Datum[], loss: LossName, options: PassOptions = {}): Operation<ForwardBackwardOutput> {
    return this.pass(data, loss, options, false);
  }

  /**
   * Like `forwardBackward`, by a loss of your own: an expression on each datum's logprobs, or one of `batchLoss`,
   * `tfjsLoss` and `gradientLoss`.
   *
   * Where the server computes losses that are given as graphs, an expression on each datum's logprobs is uploaded once
   * and costs one pass, with the inputs that it reads. Any other loss, and `{ upload: false }`, costs two passes with the
   * loss computed here in between: then only target tokens and weights go to the server. `loss:sum` is your loss; after
   * two passes the server's own value is `surrogate_loss:sum`. The function is called once a datum or more often, and
   * must always do the same. Errors: `invalid_loss`, and those of `forwardBackward`.
   *
   * @example
   * ```ts
   * const loss = ({ logprobs }: LossInputs) => logprobs.exp().neg().sum();
   * const { metrics } = await training.forwardBackwardCustom(data, loss).result();
   * ```
   */
  forwardBackwardCustom(
    data: readonly Datum[],
    loss: CustomLoss,
    options: CustomLossOptions = {},
  ): Operation<ForwardBackwardOutput> {
    checkCustomLoss(loss);
    const work = customLossWork(this.model, data, loss, options);
    return makeOperation(this.service.connection, work, { road: this.model.lane, signal: options.signal });
  }

  /** Applies the accumulated gradient by one AdamW step and clears it. */
  optimStep(adamParams: AdamParams = {}, options: CallOptions = {}): Operation<OptimStepOutput> {
    return this.request(optimStepRequest(this.modelId, adamParams), options);
  }

  /** Saves the weights and the optimizer's state as a checkpoint. Errors: `checkpoint_exists` unless `overwrite`. */
  saveState(name: string, options: SaveStateOptions = {}): Operation<SavedState> {
    return this.request(saveStateRequest(this.modelId, name, options), options);
  }

  /** Replaces the weights by a checkpoint's; the optimizer starts anew. */
  loadState(path: string, options: LoadStateOptions = {}): Operation<{ readonly path: string }> {
    return this.request(loadStateRequest(this.modelId, path, false, options), options);
  }

  /** Replaces the weights and the optimizer's state by a checkpoint's. */
  loadStateWithOptimizer(path: string, options: LoadStateOptions = {}): Operation<{ readonly path: string }> {
    return this.request(loadStateRequest(this.modelId, path, true, options), options);
  }

  /** Saves the weights for sampling: under a path if one is given, else for one sampling session. */
  saveWeightsForSampler(options: SaveWeightsOptions = {}): Operation<SavedSamplerWeights> {
    return this.request(saveForSamplerRequest(this.modelId, this.service.session, options), options);
  }

  /**
   * Exports the adapter for use elsewhere; `service.rest.getExternalWeightsUrls` tells where its files can be fetched.
   *
   * Errors: `invalid_argument` for more than 10 recipients.
   */
  saveWeightsExternal(name: string, options: SaveExternalOptions = {}): Operation<ExternalWeights> {
    return this.request(saveExternalRequest(this.modelId, name, options), options);
  }

  /** Saves the weights for sampling and opens a SamplingClient on them. */
  saveWeightsAndGetSamplingClient(options: SaveAndSampleOptions = {}): Operation<SamplingClient> {
    return saveAndSample(this.service, this.model, this.baseModel, options);
  }

  /** Opens a SamplingClient on saved weights (`tinker://…`). */
  createSamplingClient(path: string, options: CallOptions = {}): Operation<SamplingClient> {
    return createSamplingSession(this.service, { modelPath: path, baseModel: this.baseModel }, options);
  }

  /** What the server says about the model. */
  getInfo(options: CallOptions = {}): Operation<ModelInfo> {
    const { connection } = this.service;
    return makeOperation(
      connection,
      {
        type: 'get_info',
        modelId: this.modelId,
        send: () => of(undefined),
        poll: (_, { span }) =>
          connection.api.call({
            method: 'POST',
            path: '/api/v1/get_info',
            headers: span?.headers,
            body: { model_id: this.modelId, type: 'get_info' },
            schema: modelInfoSchema,
            retry: 'standard',
          }),
      },
      options,
    );
  }

  /** The model's tokenizer. Errors: `tokenizer_unavailable`, saying where it was looked for. */
  getTokenizer(options: TokenizerOptions = {}): Operation<Tokenizer> {
    const { load, info } = options;
    const named = (model: ModelInfo): Observable<Tokenizer> =>
      this.service.tokenizer({ modelName: this.baseModel, info: model }, load);
    const find =
      load === undefined && info === undefined
        ? (this.tokenizerOf ??= named(this.info))
        : (info ?? of(this.info)).pipe(switchMap(named));
    return makeOperation(
      this.service.connection,
      { type: 'get_tokenizer', send: () => of(undefined), poll: () => find },
      options,
    );
  }

  /** The tokens of a text; adds no special tokens and no chat template. */
  encode(text: string, options: TokenizerOptions = {}): Operation<readonly number[]> {
    if (typeof text !== 'string') throw invalidArgument('text as a string', text);
    return this.withTokenizer('encode', (tokenizer) => tokenizer.encode(text), options);
  }

  /** The text of tokens. Errors: `invalid_argument` for a token outside the vocabulary. */
  decode(tokens: ArrayLike<number>, options: TokenizerOptions = {}): Operation<string> {
    return this.withTokenizer('decode', (tokenizer) => tokenizer.decode(Array.from(tokens)), options);
  }

  /** Events for the server's operators; off by default, and then a no-op. */
  get telemetry(): Telemetry {
    return this.service.telemetry;
  }

  /** Goes on with the accumulated gradient as it is, after `partial_gradient`. */
  acceptGradient(): void {
    this.model.lane.acceptGradient();
  }

  /** Takes no new operation, waits for those that were subscribed before, and unloads the model. */
  unloadModel(options: CallOptions = {}): Operation<{ readonly modelId: string }> {
    return makeOperation(this.service.connection, unloadWork(this.service, this.model), options);
  }

  private pass(
    data: readonly Datum[],
    loss: string,
    options: PassOptions,
    forwardOnly: boolean,
  ): Operation<ForwardBackwardOutput> {
    checkLossName(loss);
    const work = forwardBackwardWork(this.model, {
      data: validateData(data, loss),
      loss,
      lossConfig: toWireLossConfig(options.lossConfig),
      forwardOnly,
      limits: options,
    });
    return makeOperation(this.service.connection, work, { road: this.model.lane, signal: options.signal });
  }

  private request<T>(request: LaneRequest<T>, options: CallOptions): Operation<T> {
    return makeOperation(this.service.connection, laneWork(this.model, request), {
      road: this.model.lane,
      signal: options.signal,
    });
  }

  private withTokenizer<T>(type: string, use: (tokenizer: Tokenizer) => T, options: TokenizerOptions): Operation<T> {
    return makeOperation(
      this.service.connection,
      { type, send: () => of(undefined), poll: () => this.getTokenizer(options).pipe(map(use)) },
      options,
    );
  }
}
