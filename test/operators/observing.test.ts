import { concat, from, lastValueFrom, map, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { everySteps } from '../../operators/everySteps.js';
import { movingAverage } from '../../operators/movingAverage.js';
import { throughput } from '../../operators/throughput.js';
import { testScheduler } from './testScheduler.js';

const losses = (...values: (number | undefined)[]) =>
  values.map((loss, step) => ({ step, metrics: loss === undefined ? { other: 1 } : { 'loss:sum': loss } }));

describe('movingAverage', () => {
  const averages = (window: number, ...values: (number | undefined)[]) =>
    lastValueFrom(
      from(losses(...values)).pipe(
        movingAverage<{ step: number; metrics: Record<string, number> }>('loss:sum', window),
        map(({ metrics }) => metrics['loss:sum:average']),
        toArray(),
      ),
    );

  it('adds the mean over the latest values', async () => {
    expect(await averages(2, 1, 3, 5, 5)).toEqual([1, 2, 4, 5]);
    expect(await averages(1, 1, 3, 5)).toEqual([1, 3, 5]);
    expect(await averages(9, 1, 3, 5)).toEqual([1, 2, 3]);
  });

  it('skips values without the metric, and forgets NaN with the window', async () => {
    expect(await averages(2, 1, undefined, 3)).toEqual([1, undefined, 2]);
    expect(await averages(2, 1, NaN, 3, 5)).toEqual([1, NaN, NaN, 4]);
  });

  it('keeps the rest of the value, and its state a subscription', async () => {
    const source = of({ step: 4, metrics: { a: 2, b: 3 } }).pipe(movingAverage('a', 3));
    const expected = { step: 4, metrics: { a: 2, b: 3, 'a:average': 2 } };
    expect(await lastValueFrom(concat(source, source).pipe(toArray()))).toEqual([expected, expected]);
  });

  it('completes, errors and unsubscribes with its source', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const values = { a: { metrics: { x: 1 } } };
      const averaged = { a: { metrics: { x: 1, 'x:average': 1 } } };
      expectObservable(cold('-a|', values).pipe(movingAverage('x', 2))).toBe('-a|', averaged);
      expectObservable(cold('-a#', values).pipe(movingAverage('x', 2))).toBe('-a#', averaged);
      const endless = cold('-a-a', values);
      expectObservable(endless.pipe(movingAverage('x', 2)), '--!').toBe('-a-', averaged);
      expectSubscriptions(endless.subscriptions).toBe('^-!');
    });
  });

  it('refuses a window that is no whole number', () => {
    expect(() => movingAverage('loss', 0)).toThrow('Expected window to be a whole number ≥ 1, got 0.');
  });
});

describe('throughput', () => {
  interface Counted {
    readonly metrics: Readonly<Record<string, number>>;
    readonly tokens: number;
  }
  const value: Counted = { metrics: { loss: 1 }, tokens: 100 };
  const tokens = ({ tokens }: Counted) => tokens;

  it('adds tokens per second over the window, at first since the subscription', () => {
    testScheduler().run(({ cold, expectObservable }) => {
      const rates$ = cold('499ms a 499ms a 249ms a 249ms a|', { a: value }).pipe(
        throughput({ tokens, window: 2 }),
        map(({ metrics }) => Math.round(metrics.tokens_per_second ?? NaN)),
      );
      expectObservable(rates$).toBe('499ms a 499ms b 249ms c 249ms d|', { a: 200, b: 200, c: 267, d: 400 });
    });
  });

  it('adds nothing where no time has passed, and keeps the rest of the value', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      expectObservable(of(value).pipe(throughput({ tokens }))).toBe('(a|)', { a: value });
      const source = cold('----a#', { a: value });
      const counted = { ...value, metrics: { loss: 1, tokens_per_second: 25_000 } };
      expectObservable(source.pipe(throughput({ tokens })), '----------!').toBe('----a#', { a: counted });
      const endless = cold('----', { a: value });
      expectObservable(endless.pipe(throughput({ tokens })), '--!').toBe('---');
      expectSubscriptions(endless.subscriptions).toBe('^-!');
    });
  });

  it('refuses a window that is no whole number', () => {
    expect(() => throughput({ tokens, window: 1.5 })).toThrow('Expected window to be a whole number ≥ 1, got 1.5.');
  });
});

describe('everySteps', () => {
  const steps = Array.from({ length: 7 }, (_, step) => ({ step }));

  it('keeps the last of each n steps', async () => {
    expect(await lastValueFrom(from(steps).pipe(everySteps(3), toArray()))).toEqual([{ step: 2 }, { step: 5 }]);
    expect(await lastValueFrom(from(steps).pipe(everySteps(1), toArray()))).toEqual(steps);
    expect(await lastValueFrom(from(steps).pipe(everySteps(8), toArray()))).toEqual([]);
  });

  it('emits what project gives, one after another, and lets its errors through', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const values = Object.fromEntries(steps.map((value) => [String(value.step), value]));
      const source = cold('0123456|', values);
      const looks = { 1: cold('----x|'), 3: cold('y|'), 5: cold('--z|') };
      const look = ({ step }: { step: number }) => looks[step as 1 | 3 | 5];
      expectObservable(source.pipe(everySteps(2, look))).toBe('-----xy--z|');
      expectSubscriptions(looks[1].subscriptions).toBe('-^----!');
      expectSubscriptions(looks[3].subscriptions).toBe('------^!');
      expectObservable(source.pipe(everySteps(2, () => cold('-#')))).toBe('--#');
      const unsubscribed = cold('01---', values);
      const looking = cold('-----x');
      expectObservable(unsubscribed.pipe(everySteps(2, () => looking)), '---!').toBe('----');
      expectSubscriptions(unsubscribed.subscriptions).toBe('^--!');
      expectSubscriptions(looking.subscriptions).toBe('-^-!');
    });
  });

  it('refuses a number that is not whole', () => {
    expect(() => everySteps(0)).toThrow('Expected every to be a whole number of steps ≥ 1, got 0.');
  });
});
