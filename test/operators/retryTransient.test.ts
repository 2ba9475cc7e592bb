import { type Observable, defer, lastValueFrom, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type RetryDecision, retryTransient } from '../../operators/retryTransient.js';
import { testScheduler } from './testScheduler.js';

const after = (delayMs: number) => (): RetryDecision => ({ retry: true, delayMs });
const never = (): RetryDecision => ({ retry: false });

describe('retryTransient', () => {
  it('passes a source without errors on', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-b|');
      expectObservable(source.pipe(retryTransient({ decide: after(1) }))).toBe('-a-b|');
      expectSubscriptions(source.subscriptions).toBe('^---!');
    });
  });

  it('waits and subscribes again, as often as the policy says', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('--#');
      const decide = (_: unknown, attempt: number): RetryDecision =>
        attempt < 2 ? { retry: true, delayMs: 3 * (attempt + 1) } : { retry: false };
      expectObservable(source.pipe(retryTransient({ decide }))).toBe('---------------#');
      expectSubscriptions(source.subscriptions).toBe(['^-!', '-----^-!', '-------------^-!']);
    });
  });

  it('errors at once with the same error where the policy says no', async () => {
    const error = new Error('final');
    const source = throwError(() => error);
    await expect(lastValueFrom(source.pipe(retryTransient({ decide: never })))).rejects.toBe(error);
  });

  it('hands errors to the policy and tells of each retry before its wait', () => {
    const told: unknown[] = [];
    const decided: unknown[] = [];
    testScheduler().run(({ cold, expectObservable }) => {
      let count = 0;
      const source: Observable<string> = defer(() =>
        count++ < 2 ? cold('-#', undefined, `error ${count}`) : cold('-a|'),
      );
      const result = source.pipe(
        retryTransient({
          decide: (error, attempt) => {
            decided.push([error, attempt]);
            return { retry: true, delayMs: 2 };
          },
          onRetry: (error, attempt, delayMs) => told.push([error, attempt, delayMs]),
        }),
      );
      expectObservable(result).toBe('-------a|');
    });
    expect(decided).toEqual([
      ['error 1', 0],
      ['error 2', 1],
    ]);
    expect(told).toEqual([
      ['error 1', 0, 2],
      ['error 2', 1, 2],
    ]);
  });

  it('begins no attempt after the deadline, and errors at once with the last error', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-#');
      expectObservable(source.pipe(retryTransient({ decide: after(4), deadlineMs: 10 }))).toBe('-----------#');
      expectSubscriptions(source.subscriptions).toBe(['^!', '-----^!', '----------^!']);
      const late = cold('-#');
      expectObservable(late.pipe(retryTransient({ decide: after(4), deadlineMs: 9 }))).toBe('------#');
    });
  });

  it('does not count pauses against the deadline, nor end them by it', () => {
    testScheduler().run(({ cold, expectObservable }) => {
      const source = cold('-#');
      const decide = (_: unknown, attempt: number): RetryDecision => ({ retry: true, delayMs: 5, pause: attempt < 3 });
      expectObservable(source.pipe(retryTransient({ decide, deadlineMs: 9 }))).toBe('25ms #');
      const pausing = cold('-#');
      const often = (_: unknown, attempt: number): RetryDecision => ({ retry: true, delayMs: 5, pause: attempt < 5 });
      expectObservable(pausing.pipe(retryTransient({ decide: often, deadlineMs: 2 }))).toBe('31ms #');
    });
  });

  it('stops the wait and the attempt when unsubscribed', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const waiting = cold('-#');
      expectObservable(waiting.pipe(retryTransient({ decide: after(5) })), '---!').toBe('----');
      expectSubscriptions(waiting.subscriptions).toBe('^!');
      const trying = cold('---#');
      expectObservable(trying.pipe(retryTransient({ decide: after(2) })), '------!').toBe('-------');
      expectSubscriptions(trying.subscriptions).toBe(['^--!', '-----^!']);
    });
  });

  it('counts attempts and the deadline for each subscription anew', () => {
    testScheduler().run(({ cold, expectObservable }) => {
      const attempts: number[] = [];
      const decide = (_: unknown, attempt: number): RetryDecision => {
        attempts.push(attempt);
        return { retry: true, delayMs: 3 };
      };
      const retried = cold('-#').pipe(retryTransient({ decide, deadlineMs: 5 }));
      expectObservable(retried).toBe('-----#');
      expectObservable(retried, '----------^').toBe('---------------#');
    });
  });

  it('retries a synchronous source many times without a deep stack', async () => {
    let attempts = 0;
    const source = defer(() => (++attempts < 300 ? throwError(() => new Error('again')) : of(attempts)));
    expect(await lastValueFrom(source.pipe(retryTransient({ decide: after(0) })))).toBe(300);
  });

  it('errors with what the policy throws', async () => {
    const decide = (): RetryDecision => {
      throw new Error('policy');
    };
    await expect(lastValueFrom(throwError(() => new Error('source')).pipe(retryTransient({ decide })))).rejects.toThrow(
      'policy',
    );
  });
});
