import type { Observable, Subscriber, Subscription } from 'rxjs';

/** What is made of the first value of a source, or of its end without one; it emits what comes of it, if anything. */
export interface Settling<S, R> {
  readonly settle: (first: { readonly value: S } | undefined) => R | undefined;
  readonly fail: (error: unknown) => void;
}

/** Takes the first value of a source in one step, where operators would take five; completes, and never errors. */
export function settleOnce<S, R>(
  source: Observable<S>,
  subscriber: Subscriber<R>,
  { settle, fail }: Settling<S, R>,
): Subscription {
  let isOver = false;
  const end = (tell: () => void): void => {
    if (isOver || subscriber.closed) return;
    isOver = true;
    try {
      tell();
    } catch (error) {
      fail(error);
    }
    subscriber.complete();
  };
  const take = (first: { readonly value: S } | undefined): void => {
    end(() => {
      const made = settle(first);
      if (made !== undefined) subscriber.next(made);
    });
  };
  return source.subscribe({
    next: (value) => {
      take({ value });
    },
    error: (error: unknown) => {
      end(() => {
        fail(error);
      });
    },
    complete: () => {
      take(undefined);
    },
  });
}
