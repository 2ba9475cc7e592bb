import { Observable, type SchedulerLike, defer } from 'rxjs';
import { relay } from '../../operators/relay.js';
import { byteBudget } from '../../operators/byteBudget.js';
import { TinkerError } from '../errors.js';
import { limitConcurrency } from '../transport/limitConcurrency.js';

/** Most samples that are being submitted at once, and so many while the server asks for less. */
const SUBMISSIONS = 400;
const THROTTLED_SUBMISSIONS = 10;
/** What a prompt counts for in the budget of bytes while the server asks for less. */
const THROTTLED_COST = 20;
/** How long after a pause the server still counts as asking for less, in milliseconds. */
const THROTTLED_AFTER = 10_000;
/** Pauses after a 429, in milliseconds; the longer one for large prompts. */
const SHORT_PAUSE = 1_000;
const LONG_PAUSE = 5_000;
const LARGE_PROMPT = 128 * 1024;

/**
 * Submits the samples of one service: at most 400 at a time and no more bytes of prompts than the server allows.
 *
 * After a 429 all of them pause for 1 s, or 5 s for a large prompt, and the same request is sent again, without an end;
 * until 10 s after the pause only 10 are submitted at a time, and their bytes count twentyfold.
 */
export class SampleDispatch {
  private pausedUntil = -Infinity;
  private readonly budget: <T>(bytes: number) => (source: Observable<T>) => Observable<T>;
  private readonly submissions = limitConcurrency(SUBMISSIONS);
  private readonly throttled = limitConcurrency(THROTTLED_SUBMISSIONS);

  /** @param limit bytes of prompts at a time */
  constructor(
    limit: number,
    private readonly scheduler: SchedulerLike,
  ) {
    this.budget = byteBudget({ limit, cost: (bytes: number) => (this.isThrottled() ? bytes * THROTTLED_COST : bytes) });
  }

  /** Subscribes to a request when its turn comes; `bytes`: an estimate of its prompt. */
  submit<T>(bytes: number, request: Observable<T>): Observable<T> {
    const budget = this.budget<T>(bytes);
    const counted = defer(() => {
      const submitting = this.unlessPaused(bytes, request).pipe(budget);
      return this.isThrottled() ? submitting.pipe(this.throttled) : submitting;
    });
    return counted.pipe(this.submissions);
  }

  private unlessPaused<T>(bytes: number, request: Observable<T>): Observable<T> {
    return new Observable((subscriber) => {
      const begin = (): void => {
        const wait = this.pausedUntil - this.scheduler.now();
        if (wait > 0) {
          subscriber.add(this.scheduler.schedule(begin, wait));
          return;
        }
        const submitting = request.subscribe(
          relay(subscriber, {
            next: (answer) => {
              subscriber.next(answer);
              subscriber.complete();
            },
            error: (error: unknown) => {
              if (!(error instanceof TinkerError) || error.code !== 'rate_limited') {
                subscriber.error(error);
                return;
              }
              const pause = error.details.retryAfterMs ?? (bytes > LARGE_PROMPT ? LONG_PAUSE : SHORT_PAUSE);
              this.pausedUntil = Math.max(this.pausedUntil, this.scheduler.now() + pause);
              begin();
            },
          }),
        );
        subscriber.add(submitting);
      };
      begin();
    });
  }

  private isThrottled(): boolean {
    return this.scheduler.now() - this.pausedUntil < THROTTLED_AFTER;
  }
}
