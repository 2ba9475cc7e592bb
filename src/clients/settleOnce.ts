import type { Observable, Observer, Subscriber, Subscription } from 'rxjs';

/** What is made of the first value of a source, of its end without one, or of an error; it is emitted, if anything. */
export interface Settling<S, R> {
  readonly settle: (first: { readonly value: S } | undefined) => R | undefined;
  readonly fail: (error: unknown) => R | undefined;
}

/** Takes the first value of a source in one step, where operators would take five; completes, and never errors. */
export function settleOnce<S, R>(
  source: () => Observable<S>,
  subscriber: Subscriber<R>,
  settling: Settling<S, R>,
): Subscription | undefined {
  const settler = new Settler(subscriber, settling);
  try {
    return source().subscribe(settler);
  } catch (error) {
    settler.error(error);
    return undefined;
  }
}

class Settler<S, R> implements Observer<S> {
  private isOver = false;

  constructor(
    private readonly subscriber: Subscriber<R>,
    private readonly settling: Settling<S, R>,
  ) {}

  next(value: S): void {
    this.take({ value });
  }

  complete(): void {
    this.take(undefined);
  }

  error(error: unknown): void {
    if (this.end()) this.emit(this.settling.fail(error));
  }

  private take(first: { readonly value: S } | undefined): void {
    if (!this.end()) return;
    let made: R | undefined;
    try {
      made = this.settling.settle(first);
    } catch (error) {
      made = this.settling.fail(error);
    }
    this.emit(made);
  }

  private emit(made: R | undefined): void {
    if (made !== undefined) this.subscriber.next(made);
    this.subscriber.complete();
  }

  private end(): boolean {
    if (this.isOver || this.subscriber.closed) return false;
    this.isOver = true;
    return true;
  }
}
