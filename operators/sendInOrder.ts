import { EMPTY, Observable, type ObservableInput, type OperatorFunction, concatMap, from, merge, mergeMap } from 'rxjs';

/** How {@link sendInOrder} sends and waits. */
export interface SendInOrderOptions<T, S, R> {
  /** Sends one value; the next is sent when this completes. Each thing it emits is polled. */
  readonly send: (value: T, index: number) => ObservableInput<S>;
  /** Waits for the result of something sent; its values are emitted as they come. */
  readonly poll: (sent: S) => ObservableInput<R>;
  /** Most polls at once, in the order in which they were sent; default: no limit. */
  readonly concurrentPolls?: number;
  /** Things sent earlier, whose polling begins or is taken up again; they are not sent. */
  readonly resume?: Observable<S>;
}

/**
 * Sends values one after another and polls for their results side by side: polling never holds up a send.
 *
 * ```
 * source  -a-b------|
 * send     --A|           concatMap: b is sent when the send of a completes
 *            --B|
 * poll       -----x|      mergeMap
 *              --y|
 * output  -------y-x|
 * ```
 *
 * Errors of `send` and `poll` end the stream; catch them inside to keep it open. Unsubscribing ends the send under way
 * and all polls. Completes when the source, `resume`, all sends and all polls have.
 *
 * @example
 * ```ts
 * from(['a', 'b']).pipe(
 *   sendInOrder({ send: (letter) => of(letter).pipe(delay(10)), poll: (letter) => of(`${letter}!`).pipe(delay(50)) }),
 * ).subscribe(console.log); // a! b! after 60 and 70 ms
 * ```
 */
export function sendInOrder<T, S, R>(options: SendInOrderOptions<T, S, R>): OperatorFunction<T, R> {
  const { send, poll, concurrentPolls = Infinity, resume = EMPTY } = options;
  return (source) => {
    const inTurn = trampoline();
    // A thousand waiting inner streams that end at once would overflow the stack.
    const unwound = <V>(inner: () => ObservableInput<V>): Observable<V> =>
      new Observable((subscriber) => {
        inTurn(() => {
          if (subscriber.closed) return;
          try {
            innerFrom(inner()).subscribe(subscriber);
          } catch (error) {
            subscriber.error(error);
          }
        });
      });
    return merge(resume, source.pipe(concatMap((value, index) => unwound(() => send(value, index))))).pipe(
      mergeMap((sent) => unwound(() => poll(sent)), concurrentPolls),
    );
  };
}

const innerFrom = <V>(input: ObservableInput<V>): Observable<V> => (input instanceof Observable ? input : from(input));

/** Runs what is asked for while something runs after it, in order, and not within it. */
function trampoline(): (work: () => void) => void {
  const waiting: (() => void)[] = [];
  let isRunning = false;
  return (work) => {
    if (isRunning) {
      waiting.push(work);
      return;
    }
    isRunning = true;
    try {
      work();
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) next();
    } finally {
      isRunning = false;
    }
  };
}
