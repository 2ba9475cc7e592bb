import { Observable } from 'rxjs';
import { Slots } from './slots.js';

/**
 * Makes an operator that lets at most `limit` of the streams it was applied to run at once; the others wait in order of
 * subscription.
 */
export function limitConcurrency(limit: number): <T>(source: Observable<T>) => Observable<T> {
  const slots = new Slots(limit);
  return (source) =>
    new Observable((subscriber) => {
      const waiter = {
        begin: () => {
          source.subscribe(subscriber);
        },
      };
      if (slots.enter(waiter)) waiter.begin();
      return () => {
        slots.leave(waiter);
      };
    });
}
