import { type EngineOptions } from './engine/engineOptions.js';
import { readBaseModel } from './engine/huggingFace/readBaseModel.js';
import { tinyModel } from './engine/tinyModel.js';
import { createWorkerEngine } from './engine/workerEngine.js';
import { createServer } from './server/createServer.js';
import { directoryStorage } from './server/directoryStorage.js';
import { listen } from './server/http.js';
import { memoryStorage } from './server/memoryStorage.js';
import type { Server } from './server/server.js';
import type { TellServerEvent } from './server/serverEvent.js';
import type { ServerLog } from './server/serverLog.js';

/** How the embedded server is started; everything has a default. */
export interface LocalServerOptions extends Omit<EngineOptions, 'baseModels'> {
  /** Default `127.0.0.1`; a host that others can reach needs `apiKey`. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Directory of the checkpoints; default: kept in memory. */
  readonly dataDir?: string;
  /** The key that requests must carry; default: none. */
  readonly apiKey?: string;
  /** Further keys. Each key has sessions, models and checkpoints of its own and sees no others. */
  readonly apiKeys?: readonly string[];
  /**
   * Models to train beside `rxtinker/tiny`: directories of Hugging Face checkpoints by name, of the Llama, Mistral, Qwen2
   * and Qwen3 families, with config.json, tokenizer.json and safetensors.
   */
  readonly baseModels?: Readonly<Record<string, string>>;
  /** Whether the server keeps the process alive; default false. */
  readonly keepAlive?: boolean;
  readonly log?: ServerLog;
  /** Origins of web pages that may use the server, e.g. `http://localhost:5173`. Default: none. */
  readonly allowedOrigins?: readonly string[];
  /** Told what happens: models, their calls, metrics, checkpoints and samples; for a dashboard. */
  readonly tell?: TellServerEvent;
}

/** An embedded server that listens. */
export interface LocalServer {
  /** For example `http://127.0.0.1:41234`. */
  readonly url: string;
  /** What computes, in a line. */
  readonly runtime: string;
  /** Answers requests in this process, for `localTransport`. */
  readonly handle: Server['handle'];
  /** Ends it; the port is free and the directory unlocked afterwards. */
  close(): Promise<void>;
}

/**
 * Starts the embedded server: the Tinker API over HTTP on this machine, training for real in a worker thread.
 *
 * Errors: `invalid_config` for a port in use, a directory that can't be written or that another server uses, a public host without a key, a device that is not there, a
 * directory of a base model that lacks a file or asks for what the engine does not compute.
 *
 * @example
 * ```ts
 * const server = await startLocalServer();
 * await using service = new ServiceClient({ baseUrl: server.url });
 * console.log((await service.getServerCapabilities().result()).supportedModels[0]?.modelName);
 * await server.close();
 * ```
 */
export async function startLocalServer(options: LocalServerOptions = {}): Promise<LocalServer> {
  const {
    host,
    port,
    dataDir,
    apiKey,
    apiKeys,
    keepAlive = false,
    log,
    tell,
    allowedOrigins,
    runtime,
    threads,
    deterministic,
    precision,
    memoryLimit,
    promptCacheBytes,
    device,
  } = options;
  const fromDisk = Object.entries(options.baseModels ?? {}).map((entry) => readBaseModel(...entry));
  const directory =
    dataDir === undefined ? undefined : await directoryStorage(dataDir, { ...(log !== undefined && { log }) });
  const engine = await createWorkerEngine(
    {
      ...(runtime !== undefined && { runtime }),
      ...(threads !== undefined && { threads }),
      ...(deterministic !== undefined && { deterministic }),
      ...(precision !== undefined && { precision }),
      ...(memoryLimit !== undefined && { memoryLimit }),
      ...(promptCacheBytes !== undefined && { promptCacheBytes }),
      ...(device !== undefined && { device }),
      baseModels: [...fromDisk, tinyModel()],
    },
    log,
  ).catch(async (error: unknown) => {
    await directory?.close();
    throw error;
  });
  try {
    const server = await createServer({
      engine,
      storage: directory ?? memoryStorage(),
      ...(apiKey !== undefined && { apiKey }),
      ...(apiKeys !== undefined && { apiKeys }),
      ...(log !== undefined && { log }),
      ...(tell !== undefined && { tell }),
    });
    const listening = await listen(server, {
      keepAlive,
      ...(host !== undefined && { host }),
      ...(port !== undefined && { port }),
      ...(allowedOrigins !== undefined && { allowedOrigins }),
    });
    let closing: Promise<void> | undefined;
    const end = async (): Promise<void> => {
      await server.close();
      await listening.close();
      await engine.close();
      await directory?.close();
    };
    return {
      url: listening.url,
      runtime: engine.runtime,
      handle: (request) => server.handle(request),
      close: () => (closing ??= end()),
    };
  } catch (error) {
    await engine.close();
    await directory?.close();
    throw error;
  }
}
