/** One HTTP request as the server sees it, whatever carried it. */
export interface ServerRequest {
  readonly method: string;
  /** Path from the root with its query, e.g. `/api/v1/sessions?limit=20`. */
  readonly path: string;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}
