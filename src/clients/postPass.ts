import { Observable, type Subscriber, catchError, defer, map, of, switchMap, tap, throwError } from 'rxjs';
import { Relay } from './relay.js';
import { TinkerError } from '../errors.js';
import { isDefiniteRefusal } from '../transport/retryTable.js';
import type { EncodedRequest, ForwardBackwardRequest } from '../wire/codec.js';
import { type FuturePromise, futurePromiseSchema } from '../wire/futurePromise.js';
import { loadZstd } from '../wire/proto/loadZstd.js';
import type { WireFormat } from '../wire/wireFormat.js';
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
  return new Observable((subscriber) => {
    const encoded = model.wireFormat.encode(request);
    const again = (error: TinkerError): Observable<FuturePromise> => {
      const inJson = model.wireFormat.encode(request, 'json');
      return post(model, inJson, headers).pipe(
        tap(() => {
          model.wireFormat.accepted(inJson);
        }),
        catchError((second: unknown) => {
          const sameRefusal = second instanceof TinkerError && isDefiniteRefusal(second);
          return throwError(() => (sameRefusal && error.details.status !== 415 ? error : second));
        }),
      );
    };
    return post(model, encoded, headers).subscribe(new FirstPost(subscriber, model.wireFormat, encoded, again));
  });
}

/** What comes of a pass in the session's format. */
class FirstPost extends Relay<FuturePromise, FuturePromise> {
  constructor(
    subscriber: Subscriber<FuturePromise>,
    private readonly wireFormat: WireFormat,
    private readonly encoded: EncodedRequest,
    private readonly again: (error: TinkerError) => Observable<FuturePromise>,
  ) {
    super(subscriber);
  }

  next(promise: FuturePromise): void {
    this.wireFormat.accepted(this.encoded);
    this.subscriber.next(promise);
  }

  override error(error: unknown): void {
    const { subscriber, wireFormat, encoded } = this;
    if (error instanceof TinkerError && wireFormat.refused(encoded, error)) {
      subscriber.add(this.again(error).subscribe(subscriber));
    } else subscriber.error(error);
  }
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
  return isPlain ? send({ bytes: body, headers }) : compress(model, body, headers).pipe(switchMap(send));
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
