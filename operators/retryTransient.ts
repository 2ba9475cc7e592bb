import {
  type MonoTypeOperatorFunction,
  Observable,
  type Observer,
  type SchedulerLike,
  type Subscriber,
  type Subscription,
  asyncScheduler,
  identity,
} from 'rxjs';

/**
 * Whether to try again, and after how many milliseconds. A pause does not count against the deadline and is not ended by
 * it: the policy says how long pauses may go on.
 */
export type RetryDecision =
  { readonly retry: false } | { readonly retry: true; readonly delayMs: number; readonly pause?: boolean };

/** How {@link retryTransient} tries again. */
export interface RetryTransientOptions {
  /** The policy; `attempt` counts the retries so far: 0 at the first error. */
  readonly decide: (error: unknown, attempt: number) => RetryDecision;
  /** Milliseconds from the subscription, pauses not counted, after which no attempt begins; default: no end. */
  readonly deadlineMs?: number;
  /** Default `asyncScheduler`. */
  readonly scheduler?: SchedulerLike;
  /** Told of each retry before its wait. */
  readonly onRetry?: (error: unknown, attempt: number, delayMs: number) => void;
}

/**
 * Subscribes to the source again after errors that a policy calls transient.
 *
 * Errors with the last error, as it is, when the policy says no, or when the next attempt would begin after the
 * deadline; an attempt after a pause always begins. For sources of one value: what was emitted before an error is emitted
 * again.
 *
 * ```
 * source  -#  -#  -(a|)
 * output  --------(a|)    delayMs: two frames
 * ```
 *
 * @example
 * ```ts
 * const request$ = defer(() => (Math.random() < 0.5 ? of('answer') : throwError(() => new Error('busy'))));
 * request$.pipe(retryTransient({ decide: (_, attempt) => ({ retry: attempt < 30, delayMs: 10 * 2 ** attempt }) }));
 * ```
 */
export function retryTransient<T>(options: RetryTransientOptions): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable((subscriber) => {
      new Attempts<T, T>(() => source, subscriber, options, identity).begin();
    });
}

/** The attempts of one subscriber, with a reading of the values: what it throws is an error as the source's are. */
export class Attempts<S, T> {
  private readonly scheduler: SchedulerLike;
  private readonly startedAt: number;
  private pausedMs = 0;
  private attempt = 0;

  constructor(
    private readonly source: () => Observable<S>,
    private readonly subscriber: Subscriber<T>,
    private readonly options: RetryTransientOptions,
    private readonly read: (value: S) => T,
  ) {
    this.scheduler = options.scheduler ?? asyncScheduler;
    this.startedAt = this.scheduler.now();
  }

  begin(): void {
    const { subscriber, read } = this;
    const attempt = new Attempt(subscriber, this, read);
    try {
      subscriber.add(attempt.begin(this.source()));
    } catch (error) {
      attempt.error(error);
    }
  }

  failed(error: unknown): void {
    try {
      this.decideOn(error);
    } catch (fault) {
      this.subscriber.error(fault);
    }
  }

  private decideOn(error: unknown): void {
    const { subscriber, scheduler, attempt, options } = this;
    const { deadlineMs = Infinity } = options;
    const decision = options.decide(error, attempt);
    if (!decision.retry) {
      subscriber.error(error);
      return;
    }
    const { delayMs, pause = false } = decision;
    const now = scheduler.now();
    if (!pause && now - this.startedAt - this.pausedMs + delayMs > deadlineMs) {
      subscriber.error(error);
      return;
    }
    options.onRetry?.(error, attempt, delayMs);
    this.attempt += 1;
    const again = (): void => {
      // By the clock, which may be set during a pause.
      if (pause) this.pausedMs += scheduler.now() - now;
      this.begin();
    };
    subscriber.add(scheduler.schedule(again, delayMs));
  }
}

/** One attempt, until it completes or fails. */
class Attempt<S, T> implements Observer<S> {
  private underWay: Subscription | undefined;
  private hasFailed = false;

  constructor(
    private readonly subscriber: Subscriber<T>,
    private readonly attempts: Attempts<S, T>,
    private readonly read: (value: S) => T,
  ) {}

  begin(source: Observable<S>): Subscription {
    const underWay = source.subscribe(this);
    if (this.hasFailed) underWay.unsubscribe();
    this.underWay = underWay;
    return underWay;
  }

  next(value: S): void {
    if (this.hasFailed) return;
    let read: T;
    try {
      read = this.read(value);
    } catch (error) {
      this.error(error);
      return;
    }
    this.subscriber.next(read);
  }

  error(error: unknown): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    this.underWay?.unsubscribe();
    this.attempts.failed(error);
  }

  complete(): void {
    if (!this.hasFailed) this.subscriber.complete();
  }
}
