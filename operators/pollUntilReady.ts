import {
  type Observable,
  type SchedulerLike,
  asyncScheduler,
  defer,
  mergeMap,
  of,
  repeat,
  take,
  throwIfEmpty,
  timer,
} from 'rxjs';
import { TinkerError } from '../src/errors.js';

/** An answer without the result. */
export interface NotReady {
  /** Milliseconds to wait before the next question, 0: at once; missing where the answer says nothing of it. */
  readonly waitMs?: number;
}

/** How {@link pollUntilReady} asks. */
export interface PollUntilReadyOptions<A, R> {
  /** Asks once; its first value is the answer. Its errors end the poll: map those that should not to an answer. */
  readonly ask: (iteration: number) => Observable<A>;
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
  const { ask, read, heldMs = 1000, minWaitMs = 100, maxWaitMs = 1000, scheduler = asyncScheduler } = options;
  return defer(() => {
    let iteration = 0;
    let backoffMs = minWaitMs;
    let waitMs = 0;
    const waitAfter = (answer: NotReady, tookMs: number): number => {
      if (answer.waitMs !== undefined || tookMs >= heldMs) {
        backoffMs = minWaitMs;
        return answer.waitMs ?? 0;
      }
      const wait = backoffMs;
      backoffMs = Math.min(2 * backoffMs, maxWaitMs);
      return wait;
    };
    return defer(() => {
      const askedAt = scheduler.now();
      return ask(iteration++).pipe(
        take(1),
        throwIfEmpty(noAnswer),
        mergeMap((answer) => {
          const reading = read(answer);
          if ('ready' in reading) return of(reading.ready);
          waitMs = waitAfter(reading, scheduler.now() - askedAt);
          return [];
        }),
      );
    }).pipe(repeat({ delay: () => timer(waitMs, scheduler) }), take(1));
  });
}

function noAnswer(): TinkerError {
  return new TinkerError('invalid_response', 'Expected an answer, got a poll that completed without one.');
}
