import type { Observer, Subscriber } from 'rxjs';

/**
 * What listens to a source for a subscriber: it passes on what `own` does not handle.
 *
 * For what is subscribed to by hand on the way of each operation, where a chain of operators would cost more.
 */
export function relay<T, S>(
  subscriber: Subscriber<T>,
  own: Pick<Observer<S>, 'next'> & Partial<Pick<Observer<S>, 'error'>>,
): Observer<S> {
  return {
    next: own.next,
    error:
      own.error ??
      ((error: unknown) => {
        subscriber.error(error);
      }),
    complete: () => {
      subscriber.complete();
    },
  };
}
