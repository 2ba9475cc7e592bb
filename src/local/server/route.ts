import type { Observable } from 'rxjs';
import type { ServerRequest } from './serverRequest.js';
import type { ServerResponse } from './serverResponse.js';

/** A request that a route matched. */
export interface Call {
  readonly request: ServerRequest;
  /** A part of the path by its name in the pattern. */
  param(name: string): string;
  readonly query: URLSearchParams;
}

/** What one method of one path does. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path below `/api/v1/`: `:name` stands for one segment, `*name` for one or more. */
  readonly pattern: string;
  /** Throws, rejects or errors with a `TinkerError`, which becomes the answer. */
  handle(call: Call): ServerResponse | Promise<ServerResponse> | Observable<ServerResponse>;
}
