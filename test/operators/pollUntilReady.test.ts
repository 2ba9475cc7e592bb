import { EMPTY, NEVER, type Observable, defer, delay, finalize, lastValueFrom, map, of, throwError, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type NotReady, pollUntilReady } from '../../operators/pollUntilReady.js';
import { testScheduler } from './testScheduler.js';

type Reading = { readonly ready: string } | NotReady;
const again: NotReady = {};

/** Runs a script of answers, each with the time it takes; gives the times of the questions and of the result. */
const runScript = (
  script: readonly (readonly [number, Reading])[],
  options: { heldMs?: number; minWaitMs?: number; maxWaitMs?: number } = {},
): { asked: number[]; result: string } => {
  const asked: number[] = [];
  let result = '';
  const scheduler = testScheduler();
  scheduler.run(({ flush }) => {
    const ask = (iteration: number): Observable<Reading> =>
      defer(() => {
        asked.push(scheduler.now());
        const [tookMs, reading] = script[iteration] ?? [0, { ready: 'end' }];
        return tookMs === 0 ? of(reading) : timer(tookMs).pipe(map(() => reading));
      });
    pollUntilReady({ ask, read: (reading) => reading, ...options }).subscribe({
      next: (value) => {
        result = `${value} at ${scheduler.now()}`;
      },
      error: (error: unknown) => {
        result = String(error);
      },
    });
    flush();
  });
  return { asked, result };
};

describe('pollUntilReady', () => {
  it('emits the first answer that is ready and completes', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const answer = cold('---a-b|');
      const ready$ = pollUntilReady({ ask: () => answer, read: (value) => ({ ready: value }) });
      expectObservable(ready$).toBe('---(a|)');
      expectSubscriptions(answer.subscriptions).toBe('^--!');
    });
  });

  it('asks again at once after an answer that was held for a second', () => {
    expect(
      runScript([
        [40_000, again],
        [1000, again],
        [5, { ready: 'done' }],
      ]),
    ).toEqual({ asked: [0, 40_000, 41_000], result: 'done at 41005' });
  });

  it('waits 100 ms doubling to 1 s after answers that were not held', () => {
    const quick = Array.from({ length: 7 }, () => [0, again] as const);
    expect(runScript(quick).asked).toEqual([0, 100, 300, 700, 1500, 2500, 3500, 4500]);
  });

  it('begins anew at 100 ms once an answer was held, or said how long to wait', () => {
    const ends = [
      [1000, again],
      [0, { waitMs: 0 }],
      [0, { waitMs: 1000 }],
    ] as const;
    for (const end of ends)
      expect(runScript([[0, again], [0, again], end, [0, again]]).asked.slice(2)).toSatisfy(
        (times: number[]) => (times[2] ?? 0) - (times[1] ?? 0) === 100,
      );
    expect(
      runScript([
        [0, again],
        [0, again],
        [1000, again],
        [0, again],
      ]).asked,
    ).toEqual([0, 100, 300, 1300, 1400]);
  });

  it('honours the wait that the server asks for, whatever the answer took', () => {
    expect(
      runScript([
        [0, { waitMs: 50 }],
        [2000, { waitMs: 7000 }],
      ]).asked,
    ).toEqual([0, 50, 9050]);
  });

  it('asks at once where the answer says so', () => {
    expect(
      runScript([
        [0, { waitMs: 0 }],
        [0, again],
      ]).asked,
    ).toEqual([0, 0, 100]);
  });

  it('takes other times as options', () => {
    const script = [
      [10, again],
      [9, again],
      [9, again],
      [9, again],
    ] as const;
    expect(runScript(script, { heldMs: 10, minWaitMs: 1, maxWaitMs: 2 }).asked).toEqual([0, 10, 20, 31, 42]);
  });

  it('counts iterations from 0 and starts anew with each subscription', async () => {
    const iterations: number[] = [];
    const ready$ = pollUntilReady({
      ask: (iteration) => {
        iterations.push(iteration);
        return of(iteration);
      },
      read: (iteration) => (iteration === 1 ? { ready: iteration } : { waitMs: 1 }),
    });
    expect(iterations).toEqual([]);
    await lastValueFrom(ready$);
    await lastValueFrom(ready$);
    expect(iterations).toEqual([0, 1, 0, 1]);
  });

  it('passes on the errors of ask and read, and asks nothing more', async () => {
    const asked: number[] = [];
    const failing = (fail: () => Observable<string>) =>
      pollUntilReady<string, string>({
        ask: (iteration) => {
          asked.push(iteration);
          return iteration === 0 ? of('first') : fail();
        },
        read: (answer) => {
          if (answer === 'bad') throw new Error('unreadable');
          return { waitMs: 1 };
        },
      });
    await expect(lastValueFrom(failing(() => throwError(() => new Error('broken'))))).rejects.toThrow('broken');
    await expect(lastValueFrom(failing(() => of('bad')))).rejects.toThrow('unreadable');
    await expect(
      lastValueFrom(
        failing(() => {
          throw new Error('thrown');
        }),
      ),
    ).rejects.toThrow('thrown');
    await expect(lastValueFrom(failing(() => EMPTY))).rejects.toMatchObject({ code: 'invalid_response' });
    expect(asked).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
  });

  it('ends the question when unsubscribed, and asks nothing after that', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const asking = cold('-----a|');
      const poll = pollUntilReady({ ask: () => asking, read: () => again });
      expectObservable(poll, '---!').toBe('----');
      expectSubscriptions(asking.subscriptions).toBe('^--!');
      const waiting = cold('-a|');
      expectObservable(pollUntilReady({ ask: () => waiting, read: () => ({ waitMs: 5 }) }), '----!').toBe('-----');
      expectSubscriptions(waiting.subscriptions).toBe('^!');
    });
  });

  it('leaves no timer behind when it is ready', () => {
    const scheduler = testScheduler();
    let open = 0;
    scheduler.run(({ flush }) => {
      const ask = (iteration: number) =>
        defer(() => {
          open++;
          return (iteration < 3 ? of(iteration).pipe(delay(1)) : of(iteration)).pipe(finalize(() => open--));
        });
      pollUntilReady({ ask, read: (n) => (n === 3 ? { ready: n } : again) }).subscribe();
      pollUntilReady({ ask: () => NEVER, read: () => again })
        .subscribe()
        .unsubscribe();
      flush();
    });
    expect(open).toBe(0);
    expect(scheduler.actions).toEqual([]);
  });

  it('takes an answer made of an error, and ends with what is thrown in its place', () => {
    testScheduler().run(({ cold, expectObservable }) => {
      const asks = [cold('-#'), cold('-a|')];
      const recover = (error: unknown): string => `after ${String(error)}`;
      const read = (answer: string): Reading => (answer === 'a' ? { ready: answer } : { waitMs: 2 });
      const ask = (iteration: number): Observable<string> => asks[iteration] ?? NEVER;
      expectObservable(pollUntilReady({ ask, recover, read })).toBe('----(a|)');
      const refuse = (error: unknown): never => {
        throw new Error(`no: ${String(error)}`);
      };
      expectObservable(pollUntilReady({ ask, recover: refuse, read })).toBe('-#', {}, new Error('no: error'));
    });
  });
});
