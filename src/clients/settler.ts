import type { Observable, Observer, Subscription, Unsubscribable } from 'rxjs';

/** Who is told what came of a step: a subscriber, or less. */
export interface Sink<T> {
  /** Nobody listens any more. */
  readonly closed: boolean;
  next(value: T): void;
  complete(): void;
}

/** Takes the first value of a source in one step, where operators would take five; its sink hears of no error. */
export abstract class Settler<S, R> implements Observer<S>, Unsubscribable {
  private isOver = false;
  private underWay: Subscription | undefined;

  constructor(private readonly sink: Sink<R>) {}

  /** Makes something of the first value, or of an end without one; it is emitted, if anything. */
  protected abstract settle(first: { readonly value: S } | undefined): R | undefined;

  /** Makes something of an error of the source, of its making or of the settling. */
  protected abstract fail(error: unknown): R | undefined;

  begin(source: () => Observable<S>): this {
    try {
      const underWay = source().subscribe(this);
      if (this.isOver) underWay.unsubscribe();
      else this.underWay = underWay;
    } catch (error) {
      this.error(error);
    }
    return this;
  }

  next(value: S): void {
    this.take({ value });
  }

  complete(): void {
    this.take(undefined);
  }

  error(error: unknown): void {
    if (this.end()) this.emit(this.fail(error));
  }

  /** Ends it with nothing. */
  stop(): void {
    if (this.end()) this.emit(undefined);
  }

  unsubscribe(): void {
    this.isOver = true;
    this.underWay?.unsubscribe();
    this.underWay = undefined;
  }

  private take(first: { readonly value: S } | undefined): void {
    if (!this.end()) return;
    let made: R | undefined;
    try {
      made = this.settle(first);
    } catch (error) {
      made = this.fail(error);
    }
    this.emit(made);
  }

  private emit(made: R | undefined): void {
    if (made !== undefined) this.sink.next(made);
    this.sink.complete();
    this.unsubscribe();
  }

  private end(): boolean {
    if (this.isOver || this.sink.closed) return false;
    this.isOver = true;
    return true;
  }
}
