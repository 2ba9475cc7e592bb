import { concat, defer, from, ignoreElements } from 'rxjs';
import { ServiceClient } from '../clients/service.js';
import type { ServiceOptions } from '../clients/serviceOptions.js';
import { undiciTransport } from '../transport/undiciTransport.js';
import { type LocalServerOptions, startLocalServer } from './startLocalServer.js';

/** Options of the embedded server, and those of the client under `service`. */
export interface LocalServiceOptions extends LocalServerOptions {
  readonly service?: Omit<ServiceOptions, 'baseUrl' | 'apiKey' | 'transport'>;
}

/**
 * Starts the embedded server and gives a ServiceClient on it, over HTTP; `close()` stops both.
 *
 * Neither keeps the process alive on its own. Errors: those of `startLocalServer`.
 *
 * @example
 * ```ts
 * await using service = await localService();
 * const training = await service.createLoraTrainingClient({ baseModel: 'rxtinker/tiny', rank: 8 }).result();
 * ```
 */
export async function localService(options: LocalServiceOptions = {}): Promise<ServiceClient> {
  const { service = {}, ...serverOptions } = options;
  const server = await startLocalServer(serverOptions);
  const http = undiciTransport({
    baseUrl: server.url,
    ...(service.scheduler !== undefined && { scheduler: service.scheduler }),
  });
  return new ServiceClient({
    ...service,
    baseUrl: server.url,
    ...(options.apiKey !== undefined && { apiKey: options.apiKey }),
    transport: {
      send: (request) => http.send(request),
      close: () =>
        concat(
          http.close(),
          defer(() => from(server.close()).pipe(ignoreElements())),
        ),
    },
  });
}
