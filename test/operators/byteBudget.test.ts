import { EMPTY, Subject, lastValueFrom, mergeMap, of, range, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { byteBudget } from '../../operators/byteBudget.js';
import { testScheduler } from './testScheduler.js';

const budgetOf = (limit: number) => byteBudget({ limit, cost: (bytes: number) => bytes });

describe('byteBudget', () => {
  it('lets work pass while it fits, the rest in order as bytes come free', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const budget = budgetOf(10);
      const [a, b, c, d] = [cold('----a|'), cold('------b|'), cold('--c|'), cold('d|')];
      expectObservable(a.pipe(budget(4))).toBe('----a|');
      expectObservable(b.pipe(budget(6))).toBe('------b|');
      expectObservable(c.pipe(budget(5))).toBe('---------c|');
      expectObservable(d.pipe(budget(5))).toBe('-------d|');
      expectSubscriptions(a.subscriptions).toBe('^----!');
      expectSubscriptions(b.subscriptions).toBe('^------!');
      expectSubscriptions(c.subscriptions).toBe('-------^--!');
      expectSubscriptions(d.subscriptions).toBe('-------^!');
    });
  });

  it('keeps the order: small work waits behind large work that does not fit yet', () => {
    testScheduler().run(({ cold, expectObservable }) => {
      const budget = budgetOf(10);
      expectObservable(cold('---a|').pipe(budget(6))).toBe('---a|');
      expectObservable(cold('-b|').pipe(budget(9))).toBe('-----b|');
      expectObservable(cold('c|').pipe(budget(1))).toBe('----c|');
    });
  });

  it('lets work over the limit pass alone', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const budget = budgetOf(10);
      const [before, large, later] = [cold('--a|'), cold('--b|'), cold('--c|')];
      expectObservable(before.pipe(budget(1))).toBe('--a|');
      expectObservable(large.pipe(budget(99))).toBe('-----b|');
      expectObservable(later.pipe(budget(1))).toBe('--------c|');
      expectSubscriptions(large.subscriptions).toBe('---^--!');
      expectSubscriptions(later.subscriptions).toBe('------^--!');
    });
  });

  it('frees bytes on an error and on an unsubscription', () => {
    testScheduler().run(({ cold, expectObservable }) => {
      const budget = budgetOf(1);
      expectObservable(cold('--#').pipe(budget(1))).toBe('--#');
      expectObservable(cold('-----a').pipe(budget(1)), '----!').toBe('-----');
      expectObservable(cold('-b|').pipe(budget(1))).toBe('-----b|');
    });
  });

  it('drops a waiter that is unsubscribed, and lets pass those behind it', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const budget = budgetOf(10);
      const gone = cold('-b|');
      expectObservable(cold('-------a|').pipe(budget(6))).toBe('-------a|');
      expectObservable(gone.pipe(budget(9)), '--!').toBe('---');
      expectObservable(cold('-c|').pipe(budget(4))).toBe('---c|');
      expectSubscriptions(gone.subscriptions).toBe([]);
    });
  });

  it('is lazy: bytes are taken on subscription, each time anew', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a|');
      const work = source.pipe(budgetOf(1)(1));
      expectObservable(work).toBe('-a|');
      expectObservable(work).toBe('---a|');
      expectSubscriptions(source.subscriptions).toBe(['^-!', '--^-!']);
    });
  });

  it('admits thousands of waiting works that end at once, in order and without a deep stack', async () => {
    const budget = budgetOf(1);
    const first = new Subject<never>();
    const admitted = lastValueFrom(
      range(0, 3000).pipe(
        mergeMap((n) => (n === 0 ? first : n % 2 === 0 ? EMPTY : of(n)).pipe(budget(1))),
        toArray(),
      ),
    );
    first.complete();
    expect(await admitted).toEqual(Array.from({ length: 1500 }, (_, n) => 2 * n + 1));
  });

  it('never has more in flight than the limit', async () => {
    const budget = budgetOf(100);
    let inFlight = 0;
    let most = 0;
    await lastValueFrom(
      range(1, 60).pipe(
        mergeMap((bytes) =>
          of(bytes).pipe(
            mergeMap(async () => {
              most = Math.max(most, (inFlight += bytes));
              await Promise.resolve();
              inFlight -= bytes;
            }),
            budget(bytes),
          ),
        ),
      ),
    );
    expect(most).toBeLessThanOrEqual(100);
    expect(most).toBeGreaterThan(50);
    expect(inFlight).toBe(0);
  });

  it('goes on after work or a cost that fails', async () => {
    const budget = byteBudget({ limit: 1, cost: (bytes: number) => bytes });
    await expect(lastValueFrom(of(1).pipe(budget(NaN)))).rejects.toThrow('Expected cost to give a number of bytes ≥ 0');
    expect(await lastValueFrom(of(1).pipe(budget(1)))).toBe(1);
    expect(() => budgetOf(0)).toThrow('Expected limit to be a number of bytes > 0, got 0.');
  });
});
