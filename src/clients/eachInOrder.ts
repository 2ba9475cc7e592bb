import { Observable, type Observer, type Subscriber } from 'rxjs';

/** What is done with each item of a list, and what is made of what came of all. */
export interface Steps<C, V, R, T> {
  /** Begins with an item; it emits one value. */
  readonly begin: (item: C, index: number) => Observable<V>;
  readonly take: (value: V, item: C, index: number) => R;
  /** Makes something of an error, or throws what ends it all. */
  readonly recover: (error: unknown, item: C) => R;
  readonly finish: (results: readonly R[]) => T;
}

/**
 * Does one thing after another, in one step where operators would take six; emits once, when the last is done. Completes
 * without a value where one of them does.
 */
export function eachInOrder<C, V, R, T>(items: readonly C[], steps: Steps<C, V, R, T>): Observable<T> {
  return new Observable((subscriber) => {
    new Progress(items, steps, subscriber).begin();
  });
}

class Progress<C, V, R, T> implements Observer<V> {
  private readonly results: R[] = [];
  private index = 0;

  constructor(
    private readonly items: readonly C[],
    private readonly steps: Steps<C, V, R, T>,
    private readonly subscriber: Subscriber<T>,
  ) {}

  begin(): void {
    const { items, steps, subscriber, results, index } = this;
    try {
      if (index < items.length) {
        subscriber.add(steps.begin(items[index] as C, index).subscribe(this));
        return;
      }
      subscriber.next(steps.finish(results));
      subscriber.complete();
    } catch (error) {
      subscriber.error(error);
    }
  }

  next(value: V): void {
    const { items, index } = this;
    try {
      this.results[index] = this.steps.take(value, items[index] as C, index);
    } catch (error) {
      this.subscriber.error(error);
    }
  }

  error(error: unknown): void {
    const { items, index } = this;
    try {
      this.results[index] = this.steps.recover(error, items[index] as C);
    } catch (fault) {
      this.subscriber.error(fault);
      return;
    }
    this.complete();
  }

  complete(): void {
    this.index += 1;
    if (this.results.length === this.index) this.begin();
    else this.subscriber.complete();
  }
}
