import { type Observable, type SchedulerLike, asyncScheduler, defer, finalize, map, of, timer } from 'rxjs';

/** What a {@link fakeTraining} was asked to do: `f1+2` a pass over [1, 2], `o` an optimizer step, `c1+2` a custom pass. */
export interface FakeTraining {
  readonly log: string[];
  /** Operations that were unsubscribed from before their end. */
  readonly cut: string[];
  /** Loss, options and parameters as they came. */
  readonly received: unknown[];
  readonly forwardBackward: (
    data: readonly number[],
    loss: 'sum' | 'mean',
    options?: { readonly lossConfig?: Readonly<Record<string, number>> },
  ) => Observable<{ metrics: Record<string, number>; outputs: readonly number[] }>;
  readonly forwardBackwardCustom: (
    data: readonly number[],
    loss: (data: readonly number[]) => number,
  ) => Observable<{ metrics: Record<string, number>; custom: true }>;
  readonly optimStep: (adam?: { readonly learningRate?: number }) => Observable<{ metrics: Record<string, number> }>;
  /** Something else that sees the weights of its turn, e.g. a checkpoint: logged as `<name>@<weights>`. */
  readonly look: (name: string) => Observable<string>;
}

/**
 * A model on a server that computes one operation after another, in the order of subscription.
 *
 * Each takes `computeMs`, and `latencyMs` on the way there and back; with both 0 it answers at once.
 */
export function fakeTraining(
  options: { latencyMs?: number; computeMs?: number; scheduler?: SchedulerLike } = {},
): FakeTraining {
  const { latencyMs = 0, computeMs = 0, scheduler = asyncScheduler } = options;
  const log: string[] = [];
  const cut: string[] = [];
  const received: unknown[] = [];
  let busyUntil = -Infinity;
  let weights = 0;
  let gradient = 0;
  const operation = <T>(name: string, compute: () => T): Observable<T> =>
    defer(() => {
      log.push(name);
      const result = compute();
      if (latencyMs + computeMs === 0) return of(result);
      let done = false;
      busyUntil = Math.max(busyUntil, scheduler.now() + latencyMs) + computeMs;
      return timer(busyUntil + latencyMs - scheduler.now(), scheduler).pipe(
        map(() => {
          done = true;
          return result;
        }),
        finalize(() => {
          if (!done) cut.push(name);
        }),
      );
    });
  const pass = (data: readonly number[]): number => {
    const sum = data.reduce((total, value) => total + value, 0);
    gradient += sum;
    return sum;
  };
  return {
    log,
    cut,
    received,
    forwardBackward: (data, loss, ...rest) => {
      received.push([loss, ...rest]);
      return operation(`f${data.join('+')}`, () => ({ metrics: { 'loss:sum': pass(data), both: 1 }, outputs: data }));
    },
    forwardBackwardCustom: (data, loss) =>
      operation(`c${data.join('+')}`, () => {
        pass(data);
        return { metrics: { 'loss:sum': loss(data) }, custom: true };
      }),
    optimStep: (...adam) => {
      received.push(...adam);
      return operation('o', () => {
        weights += gradient;
        gradient = 0;
        return { metrics: { weights, both: 2 } };
      });
    },
    look: (name) => defer(() => operation(`${name}@${weights}`, () => name)),
  };
}
