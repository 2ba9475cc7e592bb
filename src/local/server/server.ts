import type { Observable } from 'rxjs';
import type { ServerRequest } from './serverRequest.js';
import type { ServerResponse } from './serverResponse.js';

/** The embedded server, without a socket. */
export interface Server {
  /** Whether requests must carry an API key. */
  readonly needsKey: boolean;
  readonly bodyBytes: number;
  /** Whether a request has a key that is asked for: of others, no body should be read. */
  admits(request: Pick<ServerRequest, 'method' | 'path' | 'headers'>): boolean;
  /**
   * Answers a request: emits one answer, of any status, and completes; it never errors. It does nothing before it is
   * subscribed to; unsubscribing means that the client hung up.
   */
  handle(request: ServerRequest): Observable<ServerResponse>;
  /**
   * Takes no more requests, answers held polls with 503 and waits up to 10 s for calls that have begun, so that saves in
   * progress are finished. The engine and the storage stay open; they are the caller's.
   */
  close(): Promise<void>;
}
