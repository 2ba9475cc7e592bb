import { Observable, of, throwError } from 'rxjs';
import * as zlib from 'node:zlib';
import { TinkerError } from '../errors.js';

type Decoder = (body: Uint8Array, callback: (error: Error | null, result: Uint8Array) => void) => void;

const decoders: Record<string, Decoder | undefined> = {
  gzip: zlib.gunzip,
  deflate: zlib.inflate,
  // Newer versions of Node have zstd.
  zstd: (zlib as { zstdDecompress?: Decoder }).zstdDecompress,
};

/** What this version of Node can decode, as a value of accept-encoding. */
export const acceptEncoding = Object.keys(decoders)
  .filter((name) => decoders[name] !== undefined)
  .join(', ');

/** Decodes a body by its content-encoding. Errors with `invalid_response` where it can't. */
export function decompress(body: Uint8Array, encoding: string | undefined): Observable<Uint8Array> {
  if (encoding === undefined || encoding === '' || encoding === 'identity' || body.length === 0) return of(body);
  const decode = decoders[encoding];
  if (decode === undefined) {
    const message = `Expected an answer encoded as ${acceptEncoding}, got ${encoding}.`;
    return throwError(() => new TinkerError('invalid_response', message));
  }
  return new Observable((subscriber) => {
    decode(body, (cause, result) => {
      if (cause === null) {
        subscriber.next(result);
        subscriber.complete();
        return;
      }
      const message = `Expected an answer encoded as ${encoding}, got bytes that do not decode: ${cause.message}.`;
      subscriber.error(new TinkerError('invalid_response', message, { cause }));
    });
  });
}
