import { type Observable, defer, from, of, tap } from 'rxjs';

/** A source that gives one value at a time, when asked. */
export interface Pull<T> {
  /** Asks once when subscribed to. */
  next(): Observable<IteratorResult<T, unknown>>;
  /** Tells the source that nothing more is asked, unless it has ended. */
  close(): void;
}

/** Opens an iterable or async iterable. */
export function pullBatches<T>(batches: Iterable<T> | AsyncIterable<T>): Pull<T> {
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

type Ask<T> = () => Observable<IteratorResult<T, unknown>>;

function open<T>(batches: Iterable<T> | AsyncIterable<T>): [{ return?(): unknown }, Ask<T>] {
  if (Symbol.asyncIterator in batches) {
    const iterator = batches[Symbol.asyncIterator]();
    return [iterator, () => from(iterator.next())];
  }
  const iterator = batches[Symbol.iterator]();
  return [iterator, () => of(iterator.next())];
}
