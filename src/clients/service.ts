/// <reference lib="esnext.disposable" preserve="true" />
import {
  EMPTY,
  type Observable,
  type SchedulerLike,
  concat,
  defer,
  lastValueFrom,
  merge,
  of,
  takeUntil,
  timer,
} from 'rxjs';
import { storedKey } from '../auth/credentialsFile.js';
import { resolveConfig } from '../config.js';
import { TinkerError } from '../errors.js';
import type { Logger } from '../log.js';
import type { Transport } from '../transport/transport.js';
import { defaultTransport } from '../transport/defaultTransport.js';
import { type ServerCapabilities, serverCapabilitiesSchema } from '../wire/index.js';
import { makeOperation } from './connection.js';
import { type CreateFromStateOptions, createFromStateWork } from './createFromState.js';
import { type CreateLoraOptions, createModelWork } from './createModel.js';
import { endStreams } from './modelContext.js';
import type { Operation } from './operation.js';
import { joinSampler } from './joinSampler.js';
import { RestClient } from './rest.js';
import type { SamplingClient } from './sampling.js';
import { type SamplingSessionOptions, createSamplingSession } from './samplingSession.js';
import { makeConnection } from './makeConnection.js';
import { makeServiceContext } from './makeServiceContext.js';
import type { OperationWork } from './operationWork.js';
import type { ServiceContext } from './serviceContext.js';
import type { ServiceOptions } from './serviceOptions.js';
import type { SessionEnd } from './session.js';
import type { TrainingClient } from './training.js';
import type { CallOptions } from './trainingOptions.js';

/** Longest that `close` waits for operations, to tell the server, and for connections, in milliseconds: 10 s together. */
const OPERATIONS_WAIT = 6_000;
const FAREWELL_WAIT = 2_000;
const CONNECTIONS_WAIT = 2_000;

/**
 * One session with a server: makes TrainingClients and SamplingClients, and keeps the session alive until `close`.
 *
 * Nothing is sent before the first operation. Errors: `invalid_config` for a missing or malformed key, URL or log level.
 *
 * @example
 * ```ts
 * await using service = new ServiceClient({ baseUrl });
 * const training = await service.createLoraTrainingClient({ baseModel, rank: 8 }).result();
 * ```
 */
export class ServiceClient implements AsyncDisposable {
  /** Where requests go. */
  readonly baseUrl: string;
  /** @internal */
  readonly scheduler: SchedulerLike;
  /** @internal */
  readonly log: Logger;
  /** What the server keeps: training runs, checkpoints, sessions; over this service's connections. */
  readonly rest: RestClient;
  /** Each TrainingClient that this service makes; replays nothing, never errors, completes on close. */
  readonly trainingClients$: Observable<TrainingClient>;
  private readonly context: ServiceContext;
  private readonly transport: Transport;
  private closed: Promise<void> | undefined;

  constructor(options: ServiceOptions = {}) {
    const config = resolveConfig(options, undefined, storedKey);
    this.baseUrl = config.baseUrl;
    this.transport = options.transport ?? defaultTransport({ baseUrl: config.baseUrl, scheduler: options.scheduler });
    this.context = makeServiceContext(config, makeConnection(config, this.transport, options), options);
    this.trainingClients$ = this.context.trainingClients.asObservable();
    this.scheduler = this.context.connection.scheduler;
    this.log = this.context.connection.log;
    this.rest = new RestClient({
      connection: this.context.connection,
      ...(config.projectId !== undefined && { projectId: config.projectId }),
      openService: () => ({ context: this.context, end: EMPTY }),
      close: () => Promise.resolve(),
    });
  }

  /** Makes a LoRA adapter on a base model, and the client that trains it. */
  createLoraTrainingClient(options: CreateLoraOptions): Operation<TrainingClient> {
    return this.operation(createModelWork(this.context, options), options);
  }

  /** Makes a model of a saved state's weights; the optimizer starts anew. */
  createTrainingClientFromState(path: string, options: CreateFromStateOptions = {}): Operation<TrainingClient> {
    return this.operation(createFromStateWork(this.context, path, false, options), options);
  }

  /** Makes a model of a saved state, optimizer included: training goes on as if it had never stopped. */
  createTrainingClientFromStateWithOptimizer(
    path: string,
    options: CreateFromStateOptions = {},
  ): Operation<TrainingClient> {
    return this.operation(createFromStateWork(this.context, path, true, options), options);
  }

  /** Opens a client that samples from a base model or from saved weights. */
  createSamplingClient(options: SamplingSessionOptions & CallOptions): Operation<SamplingClient> {
    return createSamplingSession(this.context, options, options);
  }

  /**
   * Opens one more client of a sampler, by what `getSamplerHandle` of another client gave, in this process or another.
   *
   * It makes no session of its own, and keeps the sampler's alive. Errors: `invalid_argument` for what is no handle, or
   * the handle of another server.
   */
  joinSampler(handle: string, options: CallOptions = {}): Operation<SamplingClient> {
    return joinSampler(this.context, handle, options);
  }

  /** The base models that the server offers. */
  getServerCapabilities(options: CallOptions = {}): Operation<ServerCapabilities> {
    return this.operation(
      {
        type: 'get_server_capabilities',
        send: () => of(undefined),
        poll: () =>
          this.context.connection.api.call({
            method: 'GET',
            path: '/api/v1/get_server_capabilities',
            schema: serverCapabilitiesSchema,
            retry: 'standard',
          }),
      },
      options,
    );
  }

  /**
   * Ends the session: queued operations fail with `closed`, the request being sent is finished, polls stop, the server
   * is told, streams complete. Takes 10 s at most; later calls share the first one's Promise.
   */
  close(reason: SessionEnd = 'success', detail?: string): Promise<void> {
    this.closed ??= lastValueFrom(
      concat(
        this.endOperations().pipe(takeUntil(timer(OPERATIONS_WAIT, this.scheduler))),
        concat(this.context.telemetry.flush(), this.context.session.finish(reason, detail)).pipe(
          takeUntil(timer(FAREWELL_WAIT, this.scheduler)),
        ),
        defer(() => this.endConnections()),
      ),
      { defaultValue: undefined },
    );
    return this.closed;
  }

  /** @internal Stops everything at once without telling the server, as the end of a process does. */
  abandon(): void {
    const { connection, models, session } = this.context;
    connection.closed = new TinkerError('closed', 'The service was abandoned.');
    session.stop();
    for (const operation of [...connection.active]) operation.fail(connection.closed);
    for (const model of models) model.lane.destroy();
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal Runs work that outlives its subscriber; `close` awaits it. */
  finishLater(work: Observable<unknown>): void {
    this.context.finishLater(work);
  }

  private operation<S, T>(work: OperationWork<S, T>, options: CallOptions): Operation<T> {
    return makeOperation(this.context.connection, work, { signal: options.signal });
  }

  /** Fails what waits, then completes when what was being sent and what unloads is done. */
  private endOperations(): Observable<never> {
    return defer(() => {
      const { connection, models, telemetry } = this.context;
      const closed = new TinkerError('closed', 'The service was closed; make a new ServiceClient to go on.');
      connection.closed = closed;
      connection.credentials.stop();
      telemetry.stop();
      for (const model of models) model.lane.stop(closed);
      for (const operation of [...connection.active]) operation.close(closed);
      return merge(this.context.finishing(), ...[...models].map((model) => model.lane.drained()));
    });
  }

  private endConnections(): Observable<never> {
    const { connection, models, session } = this.context;
    session.stop();
    for (const operation of [...connection.active]) {
      operation.fail(connection.closed ?? new TinkerError('closed', 'The service was closed.'));
    }
    for (const model of models) {
      model.lane.destroy();
      endStreams(model);
    }
    this.context.trainingClients.complete();
    return this.transport.close().pipe(takeUntil(timer(CONNECTIONS_WAIT, this.scheduler)));
  }
}
