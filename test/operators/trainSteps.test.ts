import {
  EMPTY,
  type Observable,
  concatMap,
  delay,
  firstValueFrom,
  lastValueFrom,
  map,
  merge,
  of,
  take,
  tap,
  throwError,
  timer,
  toArray,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { trainSteps } from '../../operators/trainSteps.js';
import { TinkerError } from '../../src/errors.js';
import { type FakeTraining, fakeTraining } from './fakeTraining.js';
import { testScheduler } from './testScheduler.js';

/** Batches [0], [1], … that note what is asked of them. */
const countedBatches = (count: number) => {
  const notes = { asked: 0, closed: 0 };
  const batches = {
    *[Symbol.iterator]() {
      try {
        for (let n = 0; n < count; n++) {
          notes.asked++;
          yield [n];
        }
      } finally {
        notes.closed++;
      }
    },
  };
  return { batches, notes };
};

const failureOf = async (steps$: Observable<unknown>): Promise<TinkerError> => {
  const error: unknown = await lastValueFrom(steps$).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (error instanceof TinkerError) return error;
  throw new Error(`Expected a TinkerError, got ${String(error)}`);
};

describe('trainSteps', () => {
  it('runs pass and optimizer step of each batch, and merges their metrics', async () => {
    const training = fakeTraining();
    const steps = await lastValueFrom(trainSteps(training, [[1, 2], [3]], { loss: 'sum' }).pipe(toArray()));
    expect(training.log).toEqual(['f1+2', 'o', 'f3', 'o']);
    expect(steps).toEqual([
      {
        step: 0,
        batch: [1, 2],
        metrics: { 'loss:sum': 3, both: 2, weights: 3 },
        forwardBackward: { metrics: { 'loss:sum': 3, both: 1 }, outputs: [1, 2] },
        optimStep: { metrics: { weights: 3, both: 2 } },
      },
      expect.objectContaining({ step: 1, batch: [3], metrics: { 'loss:sum': 3, both: 2, weights: 6 } }),
    ]);
  });

  // One operation computes for 10 ms, and every message takes 20 ms: a step takes 60 ms alone, 20 ms of the server.
  it.each([
    [1, '60ms a 59ms b 59ms c 59ms d 59ms e 59ms (f|)'],
    [2, '60ms a 19ms b 39ms c 19ms d 39ms e 19ms (f|)'],
    [4, '60ms a 19ms b 19ms c 19ms d 19ms e 19ms (f|)'],
  ])('overlaps steps at depth %i', (depth, marbles) => {
    testScheduler().run(({ expectObservable }) => {
      const training = fakeTraining({ latencyMs: 20, computeMs: 10 });
      const { batches } = countedBatches(6);
      const steps$ = trainSteps(training, batches, { loss: 'sum', depth });
      expectObservable(steps$.pipe(map(({ step }) => 'abcdef'[step]))).toBe(marbles);
    });
  });

  it.each([1, 2, 4])(
    'sends everything in the same order, and after sees the same weights, at depth %i',
    async (depth) => {
      const training = fakeTraining({ latencyMs: 1, computeMs: 1 });
      const steps$ = trainSteps(training, countedBatches(7).batches, {
        loss: 'sum',
        depth,
        after: [
          { every: 3, do: ({ done }) => training.look(`${done} done`) },
          { every: 2, do: ({ step }) => merge(training.look(`s${step}`), training.look('t')) },
        ],
      });
      expect(
        await lastValueFrom(
          steps$.pipe(
            map(({ step }) => step),
            toArray(),
          ),
        ),
      ).toEqual([0, 1, 2, 3, 4, 5, 6]);
      expect(training.log).toEqual([
        ...['f0', 'o'],
        ...['f1', 'o', 's1@1', 't@1'],
        ...['f2', 'o', '3 done@3'],
        ...['f3', 'o', 's3@6', 't@6'],
        ...['f4', 'o'],
        ...['f5', 'o', '6 done@15', 's5@15', 't@15'],
        ...['f6', 'o'],
      ]);
    },
  );

  it.each([1, 2, 4])('asks for no batch unless a slot is free at depth %i', (depth) => {
    testScheduler().run(({ flush }) => {
      const { batches, notes } = countedBatches(1_000_000);
      let emitted = 0;
      let ahead = 0;
      const steps$ = trainSteps(fakeTraining({ latencyMs: 20, computeMs: 10 }), batches, { loss: 'sum', depth }).pipe(
        tap(() => {
          ahead = Math.max(ahead, notes.asked - emitted);
          emitted++;
        }),
        take(50),
      );
      const subscription = steps$.subscribe({ error: expect.unreachable });
      expect(notes.asked).toBe(depth);
      flush();
      subscription.unsubscribe();
      expect(emitted).toBe(50);
      expect(ahead).toBe(depth);
      expect(notes).toEqual({ asked: 49 + depth, closed: 1 });
    });
  });

  it('sends nothing more than what the consumer takes at depth 1', async () => {
    const training = fakeTraining();
    await lastValueFrom(trainSteps(training, countedBatches(9).batches, { loss: 'sum' }).pipe(take(2)));
    expect(training.log).toEqual(['f0', 'o', 'f1', 'o']);
  });

  it('does not wait for what a slow consumer queues, and loses nothing', () => {
    testScheduler().run(({ expectObservable }) => {
      const training = fakeTraining({ latencyMs: 1, computeMs: 1 });
      const steps$ = trainSteps(training, countedBatches(3).batches, { loss: 'sum', depth: 2 }).pipe(
        concatMap(({ step }) => of(String(step)).pipe(delay(100))),
      );
      expectObservable(steps$).toBe('104ms 0 99ms 1 99ms (2|)');
    });
  });

  it('emits in the order of steps when a later one is done first, and keeps the window', async () => {
    const log: string[] = [];
    const training = {
      forwardBackward: ([n = 0]: readonly number[]) => {
        log.push(`f${n}`);
        return timer(n === 0 ? 20 : 1).pipe(map(() => ({ metrics: {} })));
      },
      optimStep: () => of({ metrics: {} }),
    };
    const steps$ = trainSteps(training, [[0], [1], [2], [3]], { loss: 'any', depth: 2 });
    const steps = await lastValueFrom(
      steps$.pipe(
        tap(({ step }) => log.push(`step ${step}`)),
        map(({ step }) => step),
        toArray(),
      ),
    );
    expect(steps).toEqual([0, 1, 2, 3]);
    expect(log.slice(0, 3)).toEqual(['f0', 'f1', 'step 0']);
  });

  it('waits for after before a step is done, and fails when it does', async () => {
    const training = fakeTraining({ latencyMs: 1, computeMs: 1 });
    const after = [{ every: 1, do: () => training.look('saved') }];
    const step$ = trainSteps(training, [[5]], { loss: 'sum', after });
    await lastValueFrom(step$.pipe(tap(() => expect(training.cut).toEqual([]))));
    expect(training.log).toEqual(['f5', 'o', expect.stringMatching(/^saved/)]);
    const failing = [{ every: 2, do: () => throwError(() => new Error('disk full')) }];
    const error = await failureOf(trainSteps(fakeTraining(), [[1], [2], [3]], { loss: 'sum', after: failing }));
    expect(error.message).toContain('Training failed at step 1: disk full');
    expect(error.details).toEqual({ failedStep: 1, lastStepKnownApplied: 1, sent: [1] });
  });

  it('passes loss, its settings, parameters and schedules on', async () => {
    const run = async (
      options: Parameters<
        typeof trainSteps<
          number,
          'sum' | 'mean',
          { learningRate: number },
          { metrics: Record<string, number> },
          { metrics: Record<string, number> },
          { clip: number }
        >
      >[2],
    ) => {
      const training = fakeTraining();
      await lastValueFrom(trainSteps(training, [[1], [2]], options));
      return training.received;
    };
    expect(await run({ loss: 'mean' })).toEqual([['mean'], ['mean']]);
    expect(await run({ loss: 'sum', lossConfig: { clip: 2 }, adam: { learningRate: 3 } })).toEqual([
      ['sum', { lossConfig: { clip: 2 } }],
      { learningRate: 3 },
      ['sum', { lossConfig: { clip: 2 } }],
      { learningRate: 3 },
    ]);
    const schedule = (step: number) => ({ learningRate: step / 10 });
    expect(await run({ loss: 'sum', adam: schedule, startStep: 7 })).toEqual([
      ['sum'],
      { learningRate: 0.7 },
      ['sum'],
      { learningRate: 0.8 },
    ]);
  });

  it('gives a custom loss to forwardBackwardCustom', async () => {
    const training = fakeTraining();
    const loss = (data: readonly number[]) => 100 * data.length;
    const step = await firstValueFrom(trainSteps(training, [[1, 2]], { loss }));
    expect(training.log).toEqual(['c1+2', 'o']);
    expect(step.forwardBackward.custom).toBe(true);
    expect(step.metrics['loss:sum']).toBe(200);
  });

  it('counts steps from startStep, and after from step 0', async () => {
    const training = fakeTraining();
    const after = [{ every: 5, do: ({ done }: { done: number }) => training.look(`done ${done}`) }];
    const steps$ = trainSteps(training, countedBatches(4).batches, { loss: 'sum', startStep: 8, after });
    expect(
      await lastValueFrom(
        steps$.pipe(
          map(({ step }) => step),
          toArray(),
        ),
      ),
    ).toEqual([8, 9, 10, 11]);
    expect(training.log.filter((name) => name.startsWith('done'))).toEqual(['done 10@1']);
  });

  it('completes for no batches, and iterates anew for each subscription', async () => {
    const { batches, notes } = countedBatches(2);
    const steps$ = trainSteps(fakeTraining(), batches, { loss: 'sum', depth: 4 }).pipe(
      map(({ step }) => step),
      toArray(),
    );
    expect(notes.asked).toBe(0);
    expect(await lastValueFrom(steps$)).toEqual([0, 1]);
    expect(await lastValueFrom(steps$)).toEqual([0, 1]);
    expect(notes).toEqual({ asked: 4, closed: 2 });
    expect(await lastValueFrom(trainSteps(fakeTraining(), [], { loss: 'sum' }).pipe(toArray()))).toEqual([]);
  });

  it('runs thousands of synchronous steps without a deep stack, after an asynchronous one too', async () => {
    const { batches } = countedBatches(2000);
    const count = (training: Pick<FakeTraining, 'forwardBackward' | 'optimStep'>, depth: number) =>
      lastValueFrom(trainSteps(training, batches, { loss: 'sum', depth }).pipe(toArray()));
    expect(await count(fakeTraining(), 1)).toHaveLength(2000);
    expect(await count(fakeTraining(), 3)).toHaveLength(2000);
    const { forwardBackward, optimStep } = fakeTraining();
    const firstSlow: FakeTraining['forwardBackward'] = (data, loss) =>
      data[0] === 0 ? forwardBackward(data, loss).pipe(delay(1)) : forwardBackward(data, loss);
    expect(await count({ forwardBackward: firstSlow, optimStep }, 2)).toHaveLength(2000);
  });

  it('refuses wrong options at the call', () => {
    const refused =
      (options: object, batches: Iterable<number[]> = []) =>
      () =>
        trainSteps(fakeTraining(), batches, { loss: 'sum', ...options });
    expect(refused({ depth: 0 })).toThrow('Expected depth to be a whole number ≥ 1, got 0.');
    expect(refused({ startStep: -1 })).toThrow('Expected startStep to be a whole number ≥ 0, got -1.');
    expect(refused({ after: [{ every: 0.5, do: () => EMPTY }] })).toThrow('every to be a whole number of steps ≥ 1');
    expect(refused({ loss: () => 1 })).not.toThrow();
    const untyped = trainSteps as (training: unknown, batches: unknown, options: object) => unknown;
    expect(() => untyped(fakeTraining(), of([1]), { loss: 'sum' })).toThrow('For an Observable use trainEach.');
    expect(() => untyped({ optimStep: () => EMPTY }, [], { loss: 'sum' })).toThrow('training to have forwardBackward');
    expect(() => untyped({ optimStep: () => EMPTY }, [], { loss: () => 0 })).toThrow('forwardBackwardCustom');
  });
});

describe('trainSteps on an error', () => {
  /** Answers after 10 ms a step, but for the operations of one batch. */
  const failingAt = (failing: number, fail: () => Observable<never>, part: 'pass' | 'optimizer' = 'pass') => {
    const log: string[] = [];
    const answer = (name: string, fails: boolean) =>
      timer(10).pipe(
        concatMap(() => (fails ? fail() : of({ metrics: {} }))),
        tap({ subscribe: () => log.push(name), unsubscribe: () => log.push(`cut ${name}`) }),
      );
    let last = -1;
    return {
      log,
      forwardBackward: ([n = 0]: readonly number[]) => answer(`f${(last = n)}`, n === failing && part === 'pass'),
      optimStep: () => answer(`o${last}`, last === failing && part === 'optimizer'),
    };
  };

  it.each([
    [1, ['f0', 'o0', 'f1', 'o1', 'f2', 'o2', 'cut o2'], [2]],
    [2, ['f0', 'o0', 'f1', 'o1', 'f2', 'o2', 'f3', 'o3', 'cut o2', 'cut f3', 'cut o3'], [2, 3]],
  ])('sends nothing more and says what is known, at depth %i', async (depth, log, sent) => {
    const cause = new Error('out of memory.');
    const training = failingAt(2, () => throwError(() => cause));
    const { batches, notes } = countedBatches(10);
    const emitted: number[] = [];
    const error = await failureOf(
      trainSteps(training, batches, { loss: 'any', depth }).pipe(tap(({ step }) => emitted.push(step))),
    );
    expect(error).toMatchObject({ code: 'training_failed', retryable: false, cause });
    expect(error.details).toEqual({ failedStep: 2, lastStepKnownApplied: 1, sent });
    expect(error.message).toBe(
      'Training failed at step 2: out of memory. Steps up to 1 are known to be applied; ' +
        `of the steps ${sent.join(', ')}, which were sent, the outcome is unknown. ` +
        'Nothing more is sent; go on from the last checkpoint.',
    );
    expect(emitted).toEqual([0, 1]);
    expect(training.log.sort()).toEqual(log.sort());
    expect(notes).toEqual({ asked: sent.length + 2, closed: 1 });
  });

  it('knows of no applied step when the first fails, and of that before startStep', async () => {
    const failing = () => failingAt(0, () => throwError(() => new Error('no')), 'optimizer');
    const first = await failureOf(trainSteps(failing(), [[0]], { loss: 'any' }));
    expect(first.details).toEqual({ failedStep: 0, lastStepKnownApplied: -1, sent: [0] });
    expect(first.message).toContain('No step is known to be applied');
    const resumed = await failureOf(trainSteps(failing(), [[0]], { loss: 'any', startStep: 20 }));
    expect(resumed.details).toEqual({ failedStep: 20, lastStepKnownApplied: 19, sent: [20] });
  });

  it('does not subscribe to the optimizer step when the pass fails at once', async () => {
    let optimized = 0;
    const training = {
      forwardBackward: () => throwError(() => new Error('refused')),
      optimStep: () => of({ metrics: {} }).pipe(tap({ subscribe: () => optimized++ })),
    };
    const after = [{ every: 1, do: () => (optimized++, EMPTY) }];
    const error = await failureOf(trainSteps(training, [[1]], { loss: 'any', after }));
    expect(error.details.sent).toEqual([0]);
    expect(optimized).toBe(0);
  });

  it('sends nothing of a step whose pass, parameters or schedule are refused at the call', async () => {
    const refuse = () => {
      throw new TypeError('wrong');
    };
    const training = fakeTraining();
    const { forwardBackward, optimStep } = training;
    const refusing = [
      trainSteps({ forwardBackward: refuse, optimStep }, [[1]], { loss: 'sum' }),
      trainSteps({ forwardBackward, optimStep: refuse }, [[1]], { loss: 'sum' }),
      trainSteps(training, [[1]], { loss: 'sum', adam: refuse }),
    ];
    for (const steps$ of refusing) {
      const error = await failureOf(steps$);
      expect(error.details).toEqual({ failedStep: 0, lastStepKnownApplied: -1, sent: [] });
      expect(error.cause).toBeInstanceOf(TypeError);
    }
    expect(training.log).toEqual([]);
  });

  it('fails when an operation completes without a result', async () => {
    const training = { forwardBackward: () => of({ metrics: {} }), optimStep: () => EMPTY };
    const error = await failureOf(trainSteps(training, [[1]], { loss: 'any' }));
    expect(error.message).toContain('Expected a result of optimStep of step 0');
    expect(error.cause).toMatchObject({ code: 'invalid_response' });
  });

  it('fails with the error of the batches, which are not closed again', async () => {
    let closed = 0;
    const batches = {
      [Symbol.iterator]: () => {
        let n = 0;
        return {
          next: () => {
            if (n === 2) throw new Error('bad file');
            return { done: false as const, value: [n++] };
          },
          return: () => ({ done: true as const, value: closed++ }),
        };
      },
    };
    const error = await failureOf(trainSteps(fakeTraining(), batches, { loss: 'sum' }));
    expect(error.message).toContain('Training failed at step 2: bad file. Steps up to 1 are known');
    expect(error.details).toEqual({ failedStep: 2, lastStepKnownApplied: 1, sent: [] });
    expect(closed).toBe(0);
  });
});

describe('trainSteps when unsubscribed', () => {
  it('stops pulling, closes the iterator, and unsubscribes from what is under way', () => {
    testScheduler().run(({ expectObservable, flush }) => {
      const training = fakeTraining({ latencyMs: 20, computeMs: 10 });
      const { batches, notes } = countedBatches(10);
      const steps$ = trainSteps(training, batches, { loss: 'sum', depth: 2 }).pipe(map(({ step }) => String(step)));
      expectObservable(steps$, '75ms !').toBe('60ms 0');
      flush();
      expect(notes).toEqual({ asked: 3, closed: 1 });
      expect(training.log).toEqual(['f0', 'o', 'f1', 'o', 'f2', 'o']);
      expect(training.cut).toEqual(['o', 'f2', 'o']);
    });
  });
});

describe('trainSteps on batches that are Observables', () => {
  it.each([1, 2, 4])('subscribes to each when the steps before it were sent, at depth %i', async (depth) => {
    const training = fakeTraining({ latencyMs: 1, computeMs: 1 });
    const sampled = [1, 2, 3].map((n) => training.look(`sample ${n}`).pipe(map(() => [n])));
    await lastValueFrom(trainSteps(training, sampled, { loss: 'sum', depth }));
    const sent = training.log.map((operation) => operation.replace(/@.*/, ''));
    expect(sent).toEqual(['sample 1', 'f1', 'o', 'sample 2', 'f2', 'o', 'sample 3', 'f3', 'o']);
  });

  it('takes one batch of each, and as many steps as there are', async () => {
    const training = fakeTraining();
    const steps$ = trainSteps(training, [of([1], [2]), [3], of([4])], { loss: 'sum' }).pipe(toArray());
    expect((await lastValueFrom(steps$)).map(({ batch }) => batch)).toEqual([[1], [3], [4]]);
  });

  it.each([
    [throwError(() => new Error('no sampler')), /Training failed at step 1: no sampler\. Steps up to 0 are known/],
    [EMPTY, /at step 1: Expected an Observable of a batch to emit one, got "a stream that completed without one"/],
  ])('fails where one has no batch', async (failing, message) => {
    const training = fakeTraining();
    const error = await failureOf(trainSteps(training, [[1], failing, [3]], { loss: 'sum' }));
    expect(error.message).toMatch(message);
    expect(training.log).toEqual(['f1', 'o']);
  });

  it('unsubscribes from one that is under way', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const training = fakeTraining();
      const batch = cold<number[]>('10ms -');
      expectObservable(trainSteps(training, [batch], { loss: 'sum' }), '5ms !').toBe('');
      expectSubscriptions(batch.subscriptions).toBe('^ 4ms !');
    });
  });
});

describe('trainSteps on an AsyncIterable', () => {
  const asyncBatches = (count: number, failAt = Infinity) => {
    const notes = { asked: 0, atOnce: 0, pending: 0, closed: 0 };
    const batches = {
      [Symbol.asyncIterator]: () => {
        let n = 0;
        return {
          next: async () => {
            notes.asked++;
            notes.atOnce = Math.max(notes.atOnce, ++notes.pending);
            await new Promise((resolve) => setTimeout(resolve, 1));
            notes.pending--;
            if (n === failAt) throw new Error('bad line');
            return n < count ? { done: false as const, value: [n++] } : { done: true as const, value: undefined };
          },
          return: () => {
            notes.closed++;
            return Promise.reject(new Error('can not close'));
          },
        };
      },
    };
    return { batches, notes };
  };

  it.each([1, 3])('asks for one batch at a time, in order, at depth %i', async (depth) => {
    const training = fakeTraining({ latencyMs: 2, computeMs: 1 });
    const { batches, notes } = asyncBatches(6);
    const steps$ = trainSteps(training, batches, { loss: 'sum', depth });
    expect(
      await lastValueFrom(
        steps$.pipe(
          map(({ step }) => step),
          toArray(),
        ),
      ),
    ).toEqual([0, 1, 2, 3, 4, 5]);
    expect(training.log.filter((name) => name !== 'o')).toEqual(['f0', 'f1', 'f2', 'f3', 'f4', 'f5']);
    expect(notes).toEqual({ asked: 7, atOnce: 1, pending: 0, closed: 0 });
  });

  it('takes an async generator and closes it when unsubscribed, whatever that answers', async () => {
    const { batches, notes } = asyncBatches(100);
    expect(
      await lastValueFrom(trainSteps(fakeTraining(), batches, { loss: 'sum' }).pipe(take(3), toArray())),
    ).toHaveLength(3);
    expect(notes).toMatchObject({ asked: 3, closed: 1 });
    let closed = false;
    const generated = (async function* () {
      try {
        for (let n = 0; ; n++) yield await Promise.resolve([n]);
      } finally {
        closed = true;
      }
    })();
    await lastValueFrom(trainSteps(fakeTraining(), generated, { loss: 'sum' }).pipe(take(3)));
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(closed).toBe(true);
  });

  it('fails with the error of the batches', async () => {
    const { batches, notes } = asyncBatches(9, 2);
    const error = await failureOf(trainSteps(fakeTraining(), batches, { loss: 'sum' }));
    expect(error.message).toContain('Training failed at step 2: bad line');
    expect(notes).toMatchObject({ asked: 3, closed: 0 });
  });

  it('waits for nothing when unsubscribed before the first batch is there', async () => {
    const { batches, notes } = asyncBatches(9);
    const training = fakeTraining();
    trainSteps(training, batches, { loss: 'sum' }).subscribe({ error: expect.unreachable }).unsubscribe();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(training.log).toEqual([]);
    expect(notes).toMatchObject({ asked: 1, closed: 1 });
  });
});
