import type { ServerRequest } from '../server/serverRequest.js';
import type { ServerResponse } from '../server/serverResponse.js';

/** What a page says to the worker with the server: a request, or that nobody waits for its answer any more. */
export type PageMessage =
  | { readonly kind: 'request'; readonly id: number; readonly request: ServerRequest }
  | { readonly kind: 'cancel'; readonly id: number };

/** What the worker says: that it is ready or why not, then an answer to each request. */
export type ServerMessage =
  | { readonly kind: 'ready'; readonly runtime: string }
  | { readonly kind: 'unusable'; readonly message: string }
  | { readonly kind: 'response'; readonly id: number; readonly response: ServerResponse };

/** Either end of a worker, as far as it is used here. */
export interface MessageEnd {
  /** Sends a message; buffers in the list are moved, not copied. */
  postMessage(message: unknown, transfer?: ArrayBuffer[]): void;
  /** Hears the messages of the other end. */
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
}
