import { defer, finalize, mergeMap, type MonoTypeOperatorFunction, Observable, take } from 'rxjs';

/**
 * Makes an operator that lets at most `limit` of the streams it was applied to run at once; the others wait in order of
 * subscription.
 */
export function limitConcurrency<T>(limit: number): MonoTypeOperatorFunction<T> {
  let running = 0;
  const waiting = new Set<() => void>();
  const slot = new Observable<void>((subscriber) => {
    const enter = () => {
      running += 1;
      waiting.delete(enter);
      subscriber.next();
      subscriber.complete();
    };
    if (running < limit) enter();
    else waiting.add(enter);
    return () => waiting.delete(enter);
  });
  const leave = () => {
    running -= 1;
    const [next] = waiting;
    next?.();
  };
  return (source) =>
    slot.pipe(
      take(1),
      mergeMap(() => defer(() => source).pipe(finalize(leave))),
    );
}
