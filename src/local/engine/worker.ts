import { parentPort, workerData } from 'node:worker_threads';
import type { EngineLog } from './engineLog.js';
import type { EngineOptions } from './engineOptions.js';
import { createInProcessEngine } from './inProcessEngine.js';
import { copyForTransfer, toErrorData, type EngineCall, type WorkerMessage } from './workerProtocol.js';
import type { Engine } from './engine.js';

/** Answers an engine's calls in a thread of its own; started by `createWorkerEngine` with EngineOptions as its data. */
function serve(engine: Engine, receive: (listener: (call: EngineCall) => void) => void, send: Send): void {
  send({ kind: 'ready', runtime: engine.runtime, baseModels: engine.baseModels });
  receive(({ id, method, args }) => {
    // Both ends are this package: what is posted as the arguments of a method are its arguments.
    const call = engine[method].bind(engine) as (...values: readonly unknown[]) => Promise<unknown>;
    call(...args).then(
      (value) => {
        const { copy, buffers } = copyForTransfer(value);
        send({ kind: 'result', id, value: copy }, buffers);
      },
      (error: unknown) => {
        send({ kind: 'error', id, error: toErrorData(error) });
      },
    );
  });
}

type Send = (message: WorkerMessage, transfer?: ArrayBuffer[]) => void;

const port = parentPort;
if (port !== null) {
  const send: Send = (message, transfer) => {
    port.postMessage(message, transfer);
  };
  const log: EngineLog = (level, message) => {
    send({ kind: 'log', level, message });
  };
  createInProcessEngine(workerData as EngineOptions, log).then(
    (engine) => {
      serve(engine, (listener) => port.on('message', listener), send);
    },
    (error: unknown) => {
      send({ kind: 'unusable', error: toErrorData(error) });
    },
  );
}
