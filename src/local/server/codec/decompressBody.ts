import { from, map, of, type Observable } from 'rxjs';
import { loadZstd } from '../../../wire/proto/loadZstd.js';
import { refusal } from '../refusal.js';
import type { ServerRequest } from '../serverRequest.js';

/**
 * Undoes a request's content-encoding of zstd; other requests pass at once as they are.
 *
 * Errors with status 413 for more than `maxBytes` of content, which is never unpacked, and 400 for what is no zstd.
 */
export function decompressBody(request: ServerRequest, maxBytes: number): Observable<ServerRequest> {
  const { 'content-encoding': encoding, ...headers } = request.headers;
  if (encoding?.trim().toLowerCase() !== 'zstd') return of(request);
  return from(loadZstd()).pipe(
    map((zstd) => {
      try {
        return { ...request, headers, body: zstd.decompress(request.body ?? new Uint8Array(), maxBytes) };
      } catch (cause) {
        if (cause instanceof RangeError) throw refusal(413, `body: ${cause.message} Send fewer examples at a time.`);
        throw refusal(400, `body: Expected one zstd frame: ${cause instanceof Error ? cause.message : String(cause)}`);
      }
    }),
  );
}
