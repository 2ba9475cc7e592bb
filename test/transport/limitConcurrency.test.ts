import { from, mergeMap, of } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { limitConcurrency } from '../../src/transport/limitConcurrency.js';

const run = (test: Parameters<TestScheduler['run']>[0]) =>
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(test);

describe('limitConcurrency', () => {
  it('starts what waits when one completes, fails or is left', () => {
    run(({ cold, expectObservable, expectSubscriptions }) => {
      const limit = limitConcurrency(1);
      const first = cold('--a|');
      const second = cold('--#');
      const third = cold('-----');
      const fourth = cold('-d|');
      expectObservable(first.pipe(limit)).toBe('--a|');
      expectObservable(second.pipe(limit)).toBe('-----#');
      expectObservable(third.pipe(limit), '^------!').toBe('-------');
      expectObservable(fourth.pipe(limit)).toBe('--------d|');
      expectSubscriptions(second.subscriptions).toBe('---^-!');
      expectSubscriptions(third.subscriptions).toBe('-----^-!');
      expectSubscriptions(fourth.subscriptions).toBe('-------^-!');
    });
  });

  it('forgets who leaves while waiting', () => {
    run(({ cold, expectObservable, expectSubscriptions }) => {
      const limit = limitConcurrency(1);
      const left = cold('a|');
      expectObservable(cold('---a|').pipe(limit)).toBe('---a|');
      expectObservable(left.pipe(limit), '^-!').toBe('---');
      expectObservable(cold('b|').pipe(limit)).toBe('----b|');
      expectSubscriptions(left.subscriptions).toBe([]);
    });
  });

  it('lets synchronous streams through, however many', () => {
    const limit = limitConcurrency(2);
    const seen: number[] = [];
    from(Array.from({ length: 1000 }, (_, i) => i))
      .pipe(mergeMap((i) => of(i).pipe(limit)))
      .subscribe({ next: (i) => seen.push(i), error: (error: unknown) => expect(error).toBeUndefined() });
    expect(seen).toHaveLength(1000);
  });
});
