import { EMPTY, Subject, lastValueFrom, map, range, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Metrics } from '../../operators/reduceMetrics.js';
import { trainEach } from '../../operators/trainEach.js';
import { fakeTraining } from './fakeTraining.js';
import { testScheduler } from './testScheduler.js';

describe('trainEach', () => {
  it('trains on each batch, in order, depth at once, and keeps those that must wait', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('(abcd|)', { a: [0], b: [1], c: [2], d: [3] });
      const training = fakeTraining({ latencyMs: 20, computeMs: 10 });
      const steps$ = source.pipe(
        trainEach(training, { loss: 'sum', depth: 2 }),
        map(({ step }) => String(step)),
      );
      expectObservable(steps$).toBe('60ms 0 19ms 1 39ms 2 19ms (3|)');
      expectSubscriptions(source.subscriptions).toBe('(^!)');
    });
  });

  it('emits in the order of steps, with parameters and after as trainSteps has them', async () => {
    const training = fakeTraining();
    const looks = [{ every: 2, do: ({ done }: { done: number }) => training.look(`${done} done`) }];
    const adam = (step: number) => ({ learningRate: step });
    const steps$ = range(0, 4).pipe(
      map((n) => [n]),
      trainEach(training, { loss: 'sum', adam, startStep: 1, depth: 3, after: looks }),
    );
    expect(
      await lastValueFrom(
        steps$.pipe(
          map(({ step }) => step),
          toArray(),
        ),
      ),
    ).toEqual([1, 2, 3, 4]);
    expect(training.log).toEqual(['f0', 'o', '2 done@0', 'f1', 'o', 'f2', 'o', '4 done@3', 'f3', 'o']);
    expect(training.received.filter((value) => !Array.isArray(value))).toEqual([1, 2, 3, 4].map(adam));
  });

  it('gives a custom loss to forwardBackwardCustom', async () => {
    const training = fakeTraining();
    const loss = (data: readonly number[]) => data.length;
    await lastValueFrom(
      range(0, 2).pipe(
        map((n) => [n]),
        trainEach(training, { loss }),
      ),
    );
    expect(training.log).toEqual(['c0', 'o', 'c1', 'o']);
  });

  it('fails when the source or a step does, and drops what waits', () => {
    testScheduler().run(({ cold, flush }) => {
      const values = { a: [0], b: [1], c: [2] };
      const training = fakeTraining({ latencyMs: 2, computeMs: 1 });
      const details: unknown[] = [];
      const failing = cold('a-----------b---#', values, new Error('stream broke')).pipe(
        trainEach(training, { loss: 'sum' }),
      );
      failing.subscribe({ error: (error: { details: unknown }) => details.push(error.details) });
      const { forwardBackward } = fakeTraining();
      cold('(abc|)', values)
        .pipe(trainEach({ forwardBackward, optimStep: () => cold<{ metrics: Metrics }>('--#') }, { loss: 'sum' }))
        .subscribe({ error: (error: { details: unknown }) => details.push(error.details) });
      flush();
      expect(details).toEqual([
        { failedStep: 0, lastStepKnownApplied: -1, sent: [0] },
        { failedStep: 2, lastStepKnownApplied: 0, sent: [1] },
      ]);
    });
  });

  it('unsubscribes from the source and from what is under way', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions, flush }) => {
      const source = cold('a-b-c-----', { a: [0], b: [1], c: [2] });
      const training = fakeTraining({ latencyMs: 2, computeMs: 1 });
      const steps$ = source.pipe(
        trainEach(training, { loss: 'sum' }),
        map(({ step }) => String(step)),
      );
      expectObservable(steps$, '-------!').toBe('------0');
      expectSubscriptions(source.subscriptions).toBe('^------!');
      flush();
      expect(training.log).toEqual(['f0', 'o', 'f1', 'o']);
      expect(training.cut).toEqual(['f1', 'o']);
    });
  });

  it('runs thousands of waiting synchronous steps without a deep stack', async () => {
    const training = fakeTraining();
    const first = new Subject<number>();
    const { forwardBackward, optimStep } = training;
    const steps$ = range(0, 2000).pipe(
      map((n) => [n]),
      trainEach(
        {
          forwardBackward: (data: readonly number[], loss: 'sum') =>
            data[0] === 0
              ? first.pipe(
                  take(1),
                  map(() => ({ metrics: {} })),
                )
              : forwardBackward(data, loss),
          optimStep,
        },
        { loss: 'sum' },
      ),
      toArray(),
    );
    const done = lastValueFrom(steps$);
    first.next(1);
    expect(await done).toHaveLength(2000);
  });

  it('completes with an empty source', async () => {
    expect(await lastValueFrom(EMPTY.pipe(trainEach(fakeTraining(), { loss: 'sum' }), toArray()))).toEqual([]);
  });

  it('refuses wrong options at the call', () => {
    expect(() => trainEach(fakeTraining(), { loss: 'sum', depth: 0.5 })).toThrow('Expected depth');
  });
});
