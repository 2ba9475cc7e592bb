import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { invalidArgument } from '../src/errors.js';
import { Budget } from './budget.js';
import type { Waiter } from './waitingLine.js';

/** How much work {@link byteBudget} lets pass. */
export interface ByteBudgetOptions<V> {
  /** Most bytes in flight at once; > 0. */
  readonly limit: number;
  /** Bytes of one piece of work; ≥ 0. */
  readonly cost: (value: V) => number;
}

/** Work that waits until so many bytes are free. */
export interface SizedWaiter extends Waiter {
  readonly bytes: number;
}

/** What such work takes of a budget. */
export const bytesOf = ({ bytes }: SizedWaiter): number => bytes;

/**
 * Makes an operator that holds back work while too many bytes are in flight.
 *
 * Apply it to each stream that does a piece of work, with what that costs: the source is subscribed to when its bytes
 * fit into the budget, in the order of subscription, and its bytes are free again when it completes, errors or is
 * unsubscribed from. Work that costs more than the limit passes alone. One budget is shared by all streams that it is
 * applied to; those that are unsubscribed from while they wait leave the queue.
 *
 * @example
 * ```ts
 * const budget = byteBudget({ limit: 10_000_000, cost: (body: Uint8Array) => body.byteLength });
 * const bodies$ = range(0, 4).pipe(map(() => new Uint8Array(4_000_000)));
 * const upload = (body: Uint8Array) => timer(10).pipe(map(() => body.byteLength)); // two at a time
 * bodies$.pipe(mergeMap((body) => upload(body).pipe(budget(body)))).subscribe(console.log);
 * ```
 */
export function byteBudget<V>(options: ByteBudgetOptions<V>): <T>(value: V) => MonoTypeOperatorFunction<T> {
  const { limit, cost } = options;
  if (!(limit > 0)) throw invalidArgument('limit to be a number of bytes > 0', limit);
  const budget = new Budget<SizedWaiter>(limit, bytesOf);
  return (value) => (source) =>
    new Observable((subscriber) => {
      const bytes = cost(value);
      if (!(bytes >= 0)) throw invalidArgument('cost to give a number of bytes ≥ 0', bytes);
      const waiter = {
        bytes,
        begin: () => {
          source.subscribe(subscriber);
        },
      };
      if (budget.enter(waiter)) waiter.begin();
      return () => {
        budget.leave(waiter);
      };
    });
}
