import { Observable, type SchedulerLike, Subscription, asyncScheduler } from 'rxjs';
import { TinkerError } from '../src/errors.js';

/** An answer without the result. */
export interface NotReady {
  /** Milliseconds to wait before the next question, 0: at once; missing where the answer says nothing of it. */
  readonly waitMs?: number;
}

/** How {@link pollUntilReady} asks. */
export interface PollUntilReadyOptions<A, R> {
  /** Asks once; its first value is the answer. */
  readonly ask: (iteration: number) => Observable<A>;
  /** Makes an answer of an error of `ask`, or throws what ends the poll; default: any error ends it. */
  readonly recover?: (error: unknown) => A;
  /** Tells what an answer means; may throw. */
  readonly read: (answer: A) => { readonly ready: R } | NotReady;
  /** An answer that took at least so many milliseconds was held by the server; default 1,000. */
  readonly heldMs?: number;
  /** First wait after an answer that was not held, in milliseconds; doubles with each; default 100. */
  readonly minWaitMs?: number;
  /** Longest such wait, in milliseconds; default 1,000. */
  readonly maxWaitMs?: number;
  /** Default `asyncScheduler`. */
  readonly scheduler?: SchedulerLike;
}

/**
 * Asks again and again until the result is ready, then emits it and completes.
 *
 * Where `read` tells how long to wait, the next question goes out after that; after an answer that was held, at once;
 * else after 100 ms, doubling up to 1 s until one of the former: no busy loop on a server that does not hold.
 * Errors: those of `ask` and `read`, and `invalid_response` where `ask` completes without an answer.
 *
 * ```
 * ask     --n|   held
 *           -n|     not held: wait
 *                ---r|
 * output  ----------(r|)
 * ```
 *
 * @example
 * ```ts
 * let left = 3;
 * pollUntilReady({
 *   ask: () => of((left -= 1)), // a question to a server
 *   read: (answer) => (answer === 0 ? { ready: 'done' } : { waitMs: 10 }),
 * }).subscribe(console.log);
 * ```
 */
export function pollUntilReady<A, R>(options: PollUntilReadyOptions<A, R>): Observable<R> {
  const { ask, recover, read, heldMs = 1000, minWaitMs = 100, maxWaitMs = 1000, scheduler = asyncScheduler } = options;
  return new Observable((subscriber) => {
    let iteration = 0;
    let backoffMs = minWaitMs;
    const waitAfter = (answer: NotReady, tookMs: number): number => {
      if (answer.waitMs !== undefined || tookMs >= heldMs) {
        backoffMs = minWaitMs;
        return answer.waitMs ?? 0;
      }
      const wait = backoffMs;
      backoffMs = Math.min(2 * backoffMs, maxWaitMs);
      return wait;
    };
    const askOnce = (): void => {
      const askedAt = scheduler.now();
      let isAnswered = false;
      let isWithin = true;
      const asking = new Subscription();
      const settle = (answer: A): void => {
        const reading = read(answer);
        if ('ready' in reading) {
          subscriber.next(reading.ready);
          subscriber.complete();
          return;
        }
        const waitMs = waitAfter(reading, scheduler.now() - askedAt);
        asking.unsubscribe();
        // What answers from within its subscription could do so without an end.
        if (waitMs === 0 && !isWithin) askOnce();
        else subscriber.add(scheduler.schedule(askOnce, waitMs));
      };
      const fail = (error: unknown): void => {
        subscriber.error(error);
      };
      const take = (answer: () => A): void => {
        if (isAnswered) return;
        isAnswered = true;
        try {
          settle(answer());
        } catch (error) {
          fail(error);
        }
      };
      try {
        const source = ask(iteration++);
        asking.add(
          source.subscribe({
            next: (answer) => {
              take(() => answer);
            },
            error: (error: unknown) => {
              take(() => {
                if (recover === undefined) throw error;
                return recover(error);
              });
            },
            complete: () => {
              take(() => {
                throw noAnswer();
              });
            },
          }),
        );
        isWithin = false;
        subscriber.add(asking);
      } catch (error) {
        fail(error);
      }
    };
    askOnce();
  });
}

function noAnswer(): TinkerError {
  return new TinkerError('invalid_response', 'Expected an answer, got a poll that completed without one.');
}
