import {
  Observable,
  type Observer,
  type SchedulerLike,
  type Subscriber,
  type Subscription,
  asyncScheduler,
} from 'rxjs';
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
  return new Observable((subscriber) => {
    new Poll(subscriber, options).ask();
  });
}

/** The questions of one subscriber. */
export class Poll<A, R> {
  readonly scheduler: SchedulerLike;
  private iteration = 0;
  private backoffMs: number;

  constructor(
    readonly subscriber: Subscriber<R>,
    readonly options: PollUntilReadyOptions<A, R>,
  ) {
    this.scheduler = options.scheduler ?? asyncScheduler;
    this.backoffMs = options.minWaitMs ?? 100;
  }

  ask(): void {
    const { subscriber, options } = this;
    try {
      const question = new Question(this);
      subscriber.add(question.begin(options.ask(this.iteration++)));
    } catch (error) {
      subscriber.error(error);
    }
  }

  waitAfter(answer: NotReady, tookMs: number): number {
    const { heldMs = 1000, minWaitMs = 100, maxWaitMs = 1000 } = this.options;
    if (answer.waitMs !== undefined || tookMs >= heldMs) {
      this.backoffMs = minWaitMs;
      return answer.waitMs ?? 0;
    }
    const wait = this.backoffMs;
    this.backoffMs = Math.min(2 * wait, maxWaitMs);
    return wait;
  }
}

/** One question, and what comes of it: its first answer, an error, or neither. */
class Question<A, R> implements Observer<A> {
  private readonly askedAt: number;
  private asking: Subscription | undefined;
  private isAnswered = false;

  constructor(private readonly poll: Poll<A, R>) {
    this.askedAt = poll.scheduler.now();
  }

  begin(source: Observable<A>): Subscription {
    const asking = source.subscribe(this);
    this.asking = asking;
    // The first answer came from within.
    if (this.isAnswered) asking.unsubscribe();
    return asking;
  }

  next(answer: A): void {
    if (this.isAnswered) return;
    this.isAnswered = true;
    this.settle(answer);
  }

  error(error: unknown): void {
    if (this.isAnswered) return;
    this.isAnswered = true;
    const { subscriber, options } = this.poll;
    let answer: A;
    try {
      if (options.recover === undefined) throw error;
      answer = options.recover(error);
    } catch (fault) {
      subscriber.error(fault);
      return;
    }
    this.settle(answer);
  }

  complete(): void {
    if (this.isAnswered) return;
    this.isAnswered = true;
    const message = 'Expected an answer, got a poll that completed without one.';
    this.poll.subscriber.error(new TinkerError('invalid_response', message));
  }

  private settle(answer: A): void {
    const { poll, asking } = this;
    const { subscriber, options, scheduler } = poll;
    try {
      const reading = options.read(answer);
      if ('ready' in reading) {
        subscriber.next(reading.ready);
        subscriber.complete();
        return;
      }
      const waitMs = poll.waitAfter(reading, scheduler.now() - this.askedAt);
      asking?.unsubscribe();
      // What answers from within its subscription could do so without an end.
      if (waitMs === 0 && asking !== undefined) poll.ask();
      else
        subscriber.add(
          scheduler.schedule(() => {
            poll.ask();
          }, waitMs),
        );
    } catch (error) {
      subscriber.error(error);
    }
  }
}
