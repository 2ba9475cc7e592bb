import { EMPTY, Observable } from 'rxjs';
import { ServiceClient } from '../../clients/service.js';
import type { ServiceOptions } from '../../clients/serviceOptions.js';
import { TinkerError } from '../../errors.js';
import { localTransport } from '../../transport/localTransport.js';
import type { ServerRequest } from '../server/serverRequest.js';
import type { ServerResponse } from '../server/serverResponse.js';
import type { MessageEnd, ServerMessage } from './workerMessage.js';

/** A worker of the page, as far as it is used here. */
export interface ServerWorker extends MessageEnd {
  addEventListener(
    type: 'message' | 'error',
    listener: (event: { readonly data: unknown; readonly message?: string }) => void,
  ): void;
  /** Ends it at once. */
  terminate(): void;
}

/** A service on the server in a worker, and what computes there, in a line. */
export interface WorkerService {
  readonly service: ServiceClient;
  readonly runtime: string;
}

/**
 * A ServiceClient on the embedded server in a worker that calls `serveInWorker`; `close()` ends both.
 *
 * Errors: `invalid_config` where the server can't start, `server_error` where the worker fails.
 *
 * @example
 * ```ts no-run
 * const open = async (worker: ServerWorker) => {
 *   const { service, runtime } = await workerService(worker); // of new Worker('worker.js', { type: 'module' })
 *   console.log(runtime, service.baseUrl);
 * };
 * ```
 */
export async function workerService(
  worker: ServerWorker,
  options: Omit<ServiceOptions, 'baseUrl' | 'apiKey' | 'transport'> = {},
): Promise<WorkerService> {
  const waiting = new Map<number, (response: ServerResponse) => void>();
  let count = 0;
  const runtime = await new Promise<string>((resolve, reject) => {
    worker.addEventListener('message', ({ data }) => {
      // Both ends are this package.
      const message = data as ServerMessage;
      if (message.kind === 'ready') resolve(message.runtime);
      else if (message.kind === 'unusable') reject(new TinkerError('invalid_config', message.message));
      else waiting.get(message.id)?.(message.response);
    });
    worker.addEventListener('error', ({ message = 'no reason is given' }) => {
      reject(new TinkerError('server_error', `The server's worker failed: ${message}.`));
    });
  });
  const handle = (request: ServerRequest): Observable<ServerResponse> =>
    new Observable((subscriber) => {
      const id = count++;
      waiting.set(id, (response) => {
        waiting.delete(id);
        subscriber.next(response);
        subscriber.complete();
      });
      worker.postMessage({ kind: 'request', id, request });
      return () => {
        if (waiting.delete(id)) worker.postMessage({ kind: 'cancel', id });
      };
    });
  const transport = localTransport(handle);
  const service = new ServiceClient({
    ...options,
    baseUrl: 'http://worker.local',
    transport: {
      send: (request) => transport.send(request),
      close: () => {
        worker.terminate();
        return EMPTY;
      },
    },
  });
  return { service, runtime };
}
