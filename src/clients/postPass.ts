import { type Observable, catchError, defer, map, of, switchMap, tap, throwError } from 'rxjs';
import { TinkerError } from '../errors.js';
import { isDefiniteRefusal } from '../transport/retryTable.js';
import type { EncodedRequest, ForwardBackwardRequest } from '../wire/codec.js';
import { type FuturePromise, futurePromiseSchema } from '../wire/futurePromise.js';
import { loadZstd } from '../wire/proto/loadZstd.js';
import type { ModelContext } from './modelContext.js';

/**
 * Posts one pass as the session's wire format says, and once more as JSON under the same seq_id where the server may
 * not read protobuf: what it refused it did not run.
 *
 * Errors with the first refusal if JSON is refused too, unless the server said that it reads no protobuf at all.
 */
export function postPass(
  model: ModelContext,
  request: ForwardBackwardRequest,
  headers?: Body['headers'],
): Observable<FuturePromise> {
  const { wireFormat } = model;
  return defer(() => {
    const encoded = wireFormat.encode(request);
    return post(model, encoded, headers).pipe(
      catchError((error: unknown) => {
        if (!(error instanceof TinkerError) || !wireFormat.refused(encoded, error)) return throwError(() => error);
        return post(model, wireFormat.encode(request, 'json'), headers).pipe(
          catchError((second: unknown) => {
            const sameRefusal = second instanceof TinkerError && isDefiniteRefusal(second);
            return throwError(() => (sameRefusal && error.details.status !== 415 ? error : second));
          }),
        );
      }),
    );
  });
}

function post(model: ModelContext, encoded: EncodedRequest, headers: Body['headers']): Observable<FuturePromise> {
  const { api, deadlines } = model.connection;
  const send = (ready: Body): Observable<FuturePromise> =>
    api.call({
      method: 'POST',
      path: encoded.path,
      body: { contentType: encoded.contentType, bytes: ready.bytes },
      headers: ready.headers,
      schema: futurePromiseSchema,
      retry: { deadlineMs: deadlines.sendDeadlineMs },
    });
  const { body } = encoded;
  const isPlain = !model.flags.protoCompressFwdbwd || typeof body === 'string';
  const sent = isPlain ? send({ bytes: body, headers }) : compress(model, body, headers).pipe(switchMap(send));
  return sent.pipe(
    tap(() => {
      model.wireFormat.accepted(encoded);
    }),
  );
}

interface Body {
  readonly bytes: EncodedRequest['body'];
  readonly headers: Readonly<Record<string, string>> | undefined;
}

/** By zstd; as it is where that can't be loaded. */
function compress(
  { connection }: ModelContext,
  body: Uint8Array<ArrayBuffer>,
  headers: Body['headers'],
): Observable<Body> {
  return defer(loadZstd).pipe(
    map((zstd) => ({ bytes: zstd.compress(body), headers: { ...headers, 'content-encoding': 'zstd' } })),
    catchError((error: unknown) => {
      connection.log.debug(`The pass is sent without compression: ${String(error)}`);
      return of<Body>({ bytes: body, headers });
    }),
  );
}
