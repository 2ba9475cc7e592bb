import { type Observable, defer, from, isObservable, map, of, switchMap, take, tap, throwIfEmpty } from 'rxjs';
import { invalidArgument } from '../src/errors.js';

/** A source that gives one value at a time, when asked. */
export interface Pull<T> {
  /** Asks once when subscribed to. */
  next(): Observable<IteratorResult<T, unknown>>;
  /** Tells the source that nothing more is asked, unless it has ended. */
  close(): void;
}

/** Opens an iterable or async iterable; an element that is an Observable is subscribed to for its first value. */
export function pullBatches<T>(batches: Iterable<T | Observable<T>> | AsyncIterable<T | Observable<T>>): Pull<T> {
  const [iterator, ask] = open(batches);
  let ended = false;
  return {
    next: () =>
      defer(ask).pipe(
        tap({
          next: ({ done }) => {
            ended = done === true;
          },
          error: () => {
            ended = true;
          },
        }),
        switchMap((pulled) => valueOf(pulled)),
      ),
    close: () => {
      if (ended) return;
      ended = true;
      // Nobody is left to hear how closing the source ends.
      new Promise((closed) => {
        closed(iterator.return?.());
      }).catch(() => undefined);
    },
  };
}

function valueOf<T>(pulled: IteratorResult<T | Observable<T>, unknown>): Observable<IteratorResult<T, unknown>> {
  if (pulled.done === true) return of(pulled);
  const { value } = pulled;
  if (!isObservable(value)) return of({ done: false, value });
  return value.pipe(
    take(1),
    throwIfEmpty(() => invalidArgument('an Observable of a batch to emit one', 'a stream that completed without one')),
    map((batch) => ({ done: false, value: batch })),
  );
}

type Ask<T> = () => Observable<IteratorResult<T, unknown>>;

function open<T>(batches: Iterable<T> | AsyncIterable<T>): [{ return?(): unknown }, Ask<T>] {
  if (Symbol.asyncIterator in batches) {
    const iterator = batches[Symbol.asyncIterator]();
    return [iterator, () => from(iterator.next())];
  }
  const iterator = batches[Symbol.iterator]();
  return [iterator, () => of(iterator.next())];
}
