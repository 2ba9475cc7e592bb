import { type Observable, catchError, of, shareReplay, throwError } from 'rxjs';
import { TinkerError } from '../errors.js';
import type { Api } from '../transport/api.js';
import { type ClientConfig, clientConfigSchema, defaultClientConfig } from '../wire/index.js';
import { SDK_VERSION } from './version.js';

/**
 * The server's flags for this client, asked for once; those of the protocol where it has none. A failure is tried again
 * by the next subscriber.
 */
export function serverFlags(api: Api): Observable<ClientConfig> {
  return api
    .call({
      method: 'POST',
      path: '/api/v1/client/config',
      body: { sdk_version: SDK_VERSION },
      schema: clientConfigSchema,
      retry: 'standard',
    })
    .pipe(
      catchError((error: unknown) =>
        error instanceof TinkerError && error.code === 'not_found' ? of(defaultClientConfig) : throwError(() => error),
      ),
      shareReplay({ bufferSize: 1, refCount: false }),
    );
}
