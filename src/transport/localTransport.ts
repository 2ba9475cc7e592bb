import { defer, EMPTY, type Observable, type SchedulerLike, take, throwError, timeout } from 'rxjs';
import { requestTimeout } from './connectionError.js';
import type { Transport, TransportRequest, TransportResponse } from './transport.js';

/** A request as a server in this process gets it. */
export interface LocalRequest {
  readonly method: TransportRequest['method'];
  readonly path: string;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** A server in this process: answers one request by one answer of any status. */
export type Handle = (request: LocalRequest) => Observable<TransportResponse>;

/** Calls a server in this process, without a port; bodies reach it as bytes, as over HTTP. */
export function localTransport(handle: Handle, options: { readonly scheduler?: SchedulerLike } = {}): Transport {
  const { scheduler } = options;
  return {
    send: ({ method, path, headers, body, timeoutMs }) =>
      defer(() => {
        const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
        return handle({ method, path, headers, ...(bytes === undefined ? {} : { body: bytes }) });
      }).pipe(
        take(1),
        timeout({
          each: timeoutMs,
          with: () => throwError(() => requestTimeout('the server in this process', path, timeoutMs)),
          ...(scheduler === undefined ? {} : { scheduler }),
        }),
      ),
    close: () => EMPTY,
  };
}
