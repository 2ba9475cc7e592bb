import {
  EMPTY,
  Observable,
  type ObservableInput,
  type OperatorFunction,
  concatMap,
  defer,
  merge,
  mergeMap,
  queueScheduler,
} from 'rxjs';

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
  // The queue scheduler unwinds: a thousand waiting inner streams that end at once would overflow the stack.
  const unwound = <V>(inner: () => ObservableInput<V>): Observable<V> => {
    const begun = defer(inner);
    return new Observable((subscriber) => queueScheduler.schedule(() => begun.subscribe(subscriber)));
  };
  return (source) =>
    merge(resume, source.pipe(concatMap((value, index) => unwound(() => send(value, index))))).pipe(
      mergeMap((sent) => unwound(() => poll(sent)), concurrentPolls),
    );
}
