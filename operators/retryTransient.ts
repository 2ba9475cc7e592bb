import { type MonoTypeOperatorFunction, Observable, type SchedulerLike, asyncScheduler } from 'rxjs';
import { relay } from './relay.js';

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
  const { decide, deadlineMs = Infinity, scheduler = asyncScheduler, onRetry } = options;
  return (source) =>
    new Observable((subscriber) => {
      const startedAt = scheduler.now();
      let pausedMs = 0;
      let attempt = 0;
      const end = (error: unknown): void => {
        subscriber.error(error);
      };
      const decideOn = (error: unknown): void => {
        const decision = decide(error, attempt);
        if (!decision.retry) {
          end(error);
          return;
        }
        const { delayMs, pause = false } = decision;
        const now = scheduler.now();
        if (!pause && now - startedAt - pausedMs + delayMs > deadlineMs) {
          end(error);
          return;
        }
        onRetry?.(error, attempt, delayMs);
        attempt += 1;
        const again = (): void => {
          // By the clock, which may be set during a pause.
          if (pause) pausedMs += scheduler.now() - now;
          begin();
        };
        subscriber.add(scheduler.schedule(again, delayMs));
      };
      const observer = relay(subscriber, {
        next: (value: T) => {
          subscriber.next(value);
        },
        error: (error: unknown) => {
          try {
            decideOn(error);
          } catch (fault) {
            end(fault);
          }
        },
      });
      const begin = (): void => {
        subscriber.add(source.subscribe(observer));
      };
      begin();
    });
}
