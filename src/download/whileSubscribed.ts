import { Observable } from 'rxjs';

/** Runs asynchronous work at each subscription; its end completes the stream, an unsubscribe aborts the signal. */
export function whileSubscribed<T>(
  work: (emit: (value: T) => void, signal: AbortSignal) => Promise<void>,
): Observable<T> {
  return new Observable((subscriber) => {
    const abort = new AbortController();
    work((value) => {
      subscriber.next(value);
    }, abort.signal).then(
      () => {
        subscriber.complete();
      },
      (error: unknown) => {
        subscriber.error(error);
      },
    );
    return () => {
      abort.abort();
    };
  });
}
