import { Worker } from 'node:worker_threads';
import { TinkerError } from '../../errors.js';
import { checkForwardBackward } from './checkForwardBackward.js';
import { checkSample } from './checkSample.js';
import type { BaseModelInfo, Engine, ForwardBackwardJob, SampleJob } from './engine.js';
import type { EngineLog } from './engineLog.js';
import type { EngineOptions } from './engineOptions.js';
import { askForExactProducts } from './exactProducts.js';
import { findBaseModel } from './findBaseModel.js';
import { copyForTransfer, fromErrorData, type EngineMethod, type WorkerMessage } from './workerProtocol.js';

// A worker can't start from TypeScript: from the sources the compiled one is taken.
const workerUrl = import.meta.url.endsWith('.ts')
  ? new URL('../../../dist/src/local/engine/worker.js', import.meta.url)
  : new URL('./worker.js', import.meta.url);

/**
 * An engine that computes in a worker thread. The thread keeps the process alive only while a call is pending; if it
 * dies, every pending and later call rejects with `server_error`.
 *
 * @throws TinkerError `invalid_config` where the runtime that was asked for can't be loaded.
 */
export async function createWorkerEngine(options: EngineOptions = {}, log?: EngineLog): Promise<Engine> {
  askForExactProducts(options.device);
  const worker = new Worker(workerUrl, { workerData: options, name: 'rxtinker engine', execArgv: [] });
  const port = new WorkerPort(worker, log);
  const { runtime, baseModels } = await port.ready;
  return new WorkerEngine(port, runtime, baseModels);
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: TinkerError) => void;
}

type Ready = Extract<WorkerMessage, { kind: 'ready' }>;

/** The messages to and from a worker, as calls that settle whatever happens to it. */
class WorkerPort {
  readonly ready: Promise<Ready>;
  readonly #pending = new Map<number, Pending>();
  #count = 0;
  #ended: TinkerError | undefined;

  constructor(
    private readonly worker: Worker,
    private readonly log: EngineLog | undefined,
  ) {
    this.ready = new Promise((resolve, reject) => {
      this.#pending.set(this.#count++, { resolve: (value) => resolve(value as Ready), reject });
    });
    worker.on('message', (message: WorkerMessage) => {
      this.#receive(message);
    });
    worker.on('error', (cause) => {
      this.#end(new TinkerError('server_error', `The engine's worker failed: ${describeError(cause)}.`, { cause }));
    });
    worker.on('exit', (code) => {
      this.#end(new TinkerError('server_error', `The engine's worker ended with exit code ${String(code)}.`));
    });
  }

  call<Result>(method: EngineMethod, args: readonly unknown[]): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) throw this.#ended;
      const id = this.#count++;
      const { copy, buffers } = copyForTransfer(args);
      this.worker.postMessage({ id, method, args: copy }, buffers);
      // The worker answers a method with that method's result: both ends are this package.
      this.#pending.set(id, { resolve: (value) => resolve(value as Result), reject });
      this.worker.ref();
    });
  }

  async end(): Promise<void> {
    this.#end(new TinkerError('closed', 'The engine was closed.'));
    await this.worker.terminate();
  }

  #receive(message: WorkerMessage): void {
    switch (message.kind) {
      case 'log':
        this.log?.(message.level, message.message);
        break;
      case 'ready':
        this.#settle(0)?.resolve(message);
        break;
      case 'unusable':
        this.#settle(0)?.reject(fromErrorData(message.error));
        break;
      case 'result':
        this.#settle(message.id)?.resolve(message.value);
        break;
      case 'error':
        this.#settle(message.id)?.reject(fromErrorData(message.error));
        break;
    }
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.worker.unref();
    return pending;
  }

  #end(error: TinkerError): void {
    this.#ended ??= error;
    for (const { reject } of this.#pending.values()) reject(this.#ended);
    this.#pending.clear();
  }
}

class WorkerEngine implements Engine {
  constructor(
    private readonly port: WorkerPort,
    readonly runtime: string,
    readonly baseModels: readonly BaseModelInfo[],
  ) {}

  checkForwardBackward(baseModel: string, job: ForwardBackwardJob): void {
    checkForwardBackward(findBaseModel(this.baseModels, baseModel), job);
  }

  checkSample(baseModel: string, job: SampleJob): void {
    checkSample(findBaseModel(this.baseModels, baseModel), job);
  }

  readonly createModel: Engine['createModel'] = (...args) => this.port.call('createModel', args);
  readonly forwardBackward: Engine['forwardBackward'] = (...args) => this.port.call('forwardBackward', args);
  readonly optimStep: Engine['optimStep'] = (...args) => this.port.call('optimStep', args);
  readonly saveState: Engine['saveState'] = (...args) => this.port.call('saveState', args);
  readonly loadState: Engine['loadState'] = (...args) => this.port.call('loadState', args);
  readonly unloadModel: Engine['unloadModel'] = (...args) => this.port.call('unloadModel', args);
  readonly createSampler: Engine['createSampler'] = (...args) => this.port.call('createSampler', args);
  readonly removeSampler: Engine['removeSampler'] = (...args) => this.port.call('removeSampler', args);
  readonly sample: Engine['sample'] = (...args) => this.port.call('sample', args);

  async close(): Promise<void> {
    await this.port.end();
  }
}

function describeError(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
