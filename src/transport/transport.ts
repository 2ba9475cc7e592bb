import type { Observable } from 'rxjs';

/** Which connections a request uses: a slow send never holds up a heartbeat. */
export type Pool = 'send' | 'poll' | 'heartbeat';

/** One HTTP request, whatever carries it. */
export interface TransportRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path from the server's root with its query, e.g. `/api/v1/optim_step`. */
  readonly path: string;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly pool: Pool;
  /** Milliseconds until the whole answer must be there. */
  readonly timeoutMs: number;
}

/** One HTTP answer. */
export interface TransportResponse {
  readonly status: number;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/**
 * Carries requests to a server.
 *
 * `send` is lazy and sends once per subscription; it emits one answer of any status and completes. It errors with a
 * `TinkerError` of code `connection_failed` or `request_timeout` (both retryable). Unsubscribing aborts the request.
 */
export interface Transport {
  /** Emits the response and completes. */
  send(request: TransportRequest): Observable<TransportResponse>;
  /** Ends idle connections; completes when they are closed. */
  close(): Observable<never>;
}
