import type { Observer, Subscriber } from 'rxjs';

/**
 * What listens to a source for a subscriber, and passes on what a subclass does not handle.
 *
 * For what is subscribed to by hand on the way of each operation, where a chain of operators would cost more.
 */
export abstract class Relay<S, T> implements Observer<S> {
  constructor(protected readonly subscriber: Subscriber<T>) {}

  abstract next(value: S): void;

  error(error: unknown): void {
    this.subscriber.error(error);
  }

  complete(): void {
    this.subscriber.complete();
  }
}
