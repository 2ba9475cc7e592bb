import { EMPTY, Observable, type SchedulerLike, throwError, timeout } from 'rxjs';
import { connectionError, hostAndPort, requestTimeout } from './connectionError.js';
import { limitConcurrency } from './limitConcurrency.js';
import type { Transport, TransportRequest, TransportResponse } from './transport.js';

/** Polls that are held open at once: browsers allow six connections to a host, and sends need some. */
const CONCURRENT_POLLS = 4;

/** Where a fetch transport sends to and how. */
export interface FetchTransportOptions {
  /** With the path before `/api/v1`, if there is one. */
  readonly baseUrl: string;
  /** Default: the platform's own. */
  readonly fetch?: typeof globalThis.fetch;
  /** Time of the requests' timeouts. */
  readonly scheduler?: SchedulerLike;
}

/** HTTP by `fetch`, for browsers, Deno and workers; at most 4 polls are open at once, the others wait. */
export function fetchTransport(options: FetchTransportOptions): Transport {
  const { baseUrl, fetch = globalThis.fetch.bind(globalThis), scheduler } = options;
  const limitPolls = limitConcurrency(CONCURRENT_POLLS);
  const sendOne = (request: TransportRequest): Observable<TransportResponse> =>
    fetchOnce(fetch, baseUrl, request).pipe(
      timeout({
        each: request.timeoutMs,
        with: () => throwError(() => requestTimeout(hostAndPort(baseUrl), request.path, request.timeoutMs)),
        ...(scheduler === undefined ? {} : { scheduler }),
      }),
    );
  return {
    send: (request) => (request.pool === 'poll' ? sendOne(request).pipe(limitPolls) : sendOne(request)),
    close: () => EMPTY,
  };
}

function fetchOnce(
  fetch: typeof globalThis.fetch,
  baseUrl: string,
  request: TransportRequest,
): Observable<TransportResponse> {
  return new Observable((subscriber) => {
    const abort = new AbortController();
    const receive = async (): Promise<TransportResponse> => {
      const response = await fetch(baseUrl.replace(/\/+$/, '') + request.path, {
        method: request.method,
        headers: { ...request.headers },
        body: request.body ?? null,
        redirect: 'manual',
        signal: abort.signal,
      });
      const headers = Object.fromEntries(response.headers.entries());
      return { status: response.status, headers, body: new Uint8Array(await response.arrayBuffer()) };
    };
    receive().then(
      (response) => {
        subscriber.next(response);
        subscriber.complete();
      },
      (error: unknown) => subscriber.error(connectionError(baseUrl, error)),
    );
    return () => abort.abort();
  });
}
