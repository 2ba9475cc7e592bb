import { type Subscription, tap } from 'rxjs';
import { TinkerError } from '../../errors.js';
import type { EngineOptions } from '../engine/engineOptions.js';
import { readBaseModel } from '../engine/huggingFace/readBaseModel.js';
import { createInProcessEngine } from '../engine/inProcessEngine.js';
import { keptFiles } from '../engine/keptFiles.js';
import { createServer } from '../server/createServer.js';
import type { Server } from '../server/server.js';
import type { MessageEnd, PageMessage, ServerMessage } from './workerMessage.js';

/** What a server in a browser's worker is made with. */
export interface WorkerServerOptions extends Pick<EngineOptions, 'runtime' | 'threads' | 'deterministic'> {
  /**
   * Folders of base models by name, on the page's own server, laid out as Hugging Face does: config.json, tokenizer.json
   * and model.safetensors. The package's own is in `rxtinker/dist/src/local/models/tiny/`.
   */
  readonly baseModels: Readonly<Record<string, string>>;
  /** Default: the platform's own. */
  readonly fetch?: typeof globalThis.fetch;
}

const needed = ['config.json', 'tokenizer.json', 'model.safetensors'];
const optional = ['generation_config.json'];

/**
 * Makes the worker that calls it an embedded server, for `workerService` in its page. Checkpoints are kept in memory.
 *
 * @example
 * ```ts no-run
 * // worker.js, bundled, with the .wasm files of onnxruntime-web beside it
 * serveInWorker({ baseModels: { 'rxtinker/tiny': '/models/tiny' } });
 * ```
 */
export function serveInWorker(options: WorkerServerOptions): void {
  // In a worker the global object is its end of the line.
  const page = globalThis as MessageEnd & typeof globalThis & { readonly name?: string };
  if (page.name?.startsWith('em-pthread') === true) {
    // A thread of onnxruntime-web runs the script of the worker that it belongs to.
    void import('onnxruntime-web');
    return;
  }
  const send = (message: ServerMessage): void => {
    page.postMessage(message, message.kind === 'response' ? [ownBuffer(message.response.body)] : []);
  };
  openServer(options).then(
    ({ server, runtime }) => {
      answer(page, server, send);
      send({ kind: 'ready', runtime });
    },
    (error: unknown) => {
      send({ kind: 'unusable', message: error instanceof Error ? error.message : String(error) });
    },
  );
}

function answer(page: MessageEnd, server: Server, send: (message: ServerMessage) => void): void {
  const answering = new Map<number, Subscription>();
  page.addEventListener('message', ({ data }) => {
    // Both ends are this package.
    const message = data as PageMessage;
    const { id } = message;
    if (message.kind === 'cancel') {
      answering.get(id)?.unsubscribe();
      answering.delete(id);
      return;
    }
    const subscription = server
      .handle(message.request)
      .pipe(
        tap((response) => {
          answering.delete(id);
          send({ kind: 'response', id, response: { ...response, body: response.body.slice() } });
        }),
      )
      .subscribe();
    if (!subscription.closed) answering.set(id, subscription);
  });
}

async function openServer(options: WorkerServerOptions): Promise<{ server: Server; runtime: string }> {
  const { baseModels, fetch = globalThis.fetch.bind(globalThis), ...engineOptions } = options;
  const models = await Promise.all(
    Object.entries(baseModels).map(async ([name, folder]) => {
      await Promise.all([...needed, ...optional].map((file) => keep(fetch, folder, file)));
      return readBaseModel(name, folder);
    }),
  );
  const engine = await createInProcessEngine({ runtime: 'onnxruntime-web', ...engineOptions, baseModels: models });
  const server = await createServer({
    engine,
    readFile: (file) => Promise.resolve(keptFiles.get(file) ?? new Uint8Array()),
  });
  return { server, runtime: engine.runtime };
}

async function keep(fetch: typeof globalThis.fetch, folder: string, file: string): Promise<void> {
  const url = `${folder}/${file}`;
  const response = await fetch(url);
  if (response.ok) keptFiles.set(url, new Uint8Array(await response.arrayBuffer()));
  else if (needed.includes(file)) {
    throw new TinkerError(
      'invalid_config',
      `Expected ${url} to be served, got HTTP ${response.status}. Copy the model's folder there.`,
    );
  }
}

function ownBuffer(bytes: Uint8Array): ArrayBuffer {
  // It was copied just now, so that it is all of a buffer of its own.
  return bytes.buffer as ArrayBuffer;
}
