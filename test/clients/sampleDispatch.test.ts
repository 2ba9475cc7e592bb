import { Observable, of, throwError, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { SampleDispatch } from '../../src/clients/sampleDispatch.js';
import { SampleSubmission } from '../../src/clients/sampleSubmission.js';
import { TinkerError } from '../../src/errors.js';

const tooMany = (retryAfterMs?: number): Observable<never> =>
  throwError(
    () =>
      new TinkerError('rate_limited', 'slow down', {
        retryable: true,
        details: { status: 429, ...(retryAfterMs !== undefined && { retryAfterMs }) },
      }),
  );

/** Runs a test in virtual time; `submit` notes at which second a request was sent, by its name. */
function inTime(
  limit: number,
  test: (t: {
    submit: (name: string, bytes: number, answer: () => Observable<unknown>) => Observable<unknown>;
    at: (seconds: number, act: () => void) => void;
    scheduler: TestScheduler;
  }) => void,
): string[] {
  const scheduler = new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected);
  });
  const sent: string[] = [];
  scheduler.run(() => {
    const dispatch = new SampleDispatch(limit, scheduler);
    test({
      scheduler,
      submit: (name, bytes, answer) =>
        new Observable((subscriber) => {
          const post = (): Observable<unknown> => {
            sent.push(`${scheduler.now() / 1000} ${name}`);
            return answer();
          };
          const submission = new SampleSubmission(dispatch, {
            promptBytes: bytes,
            post,
            answered: (got) => {
              subscriber.next(got);
              subscriber.complete();
            },
            failed: (error) => {
              subscriber.error(error);
            },
          });
          submission.start();
          return submission;
        }),
      at: (seconds, act) => scheduler.schedule(act, seconds * 1000),
    });
  });
  return sent;
}

const after =
  (ms: number, scheduler: TestScheduler): (() => Observable<unknown>) =>
  () =>
    timer(ms, scheduler);

describe('SampleDispatch', () => {
  it('lets no more bytes of prompts be on their way than the budget, in order, and one that is too large alone', () => {
    const sent = inTime(100, ({ submit, scheduler }) => {
      for (const [name, bytes] of [
        ['a', 60],
        ['b', 40],
        ['c', 30],
        ['d', 500],
        ['e', 1],
      ] as const) {
        submit(name, bytes, after(1_000, scheduler)).subscribe();
      }
    });
    expect(sent).toEqual(['0 a', '0 b', '1 c', '2 d', '3 e']);
  });

  it('submits 400 at a time', () => {
    const sent = inTime(1e9, ({ submit, scheduler }) => {
      for (let i = 0; i < 401; i++) submit(String(i), 1, after(1_000, scheduler)).subscribe();
    });
    expect(sent.filter((line) => line.startsWith('0 '))).toHaveLength(400);
    expect(sent.at(-1)).toBe('1 400');
  });

  it('pauses all for 1 s after a 429, or 5 s for a large prompt, and sends the same again', () => {
    let refusals = 2;
    const refuse = (): Observable<unknown> => (refusals-- > 0 ? tooMany() : of('done'));
    const sent = inTime(1e9, ({ submit, at }) => {
      submit('small', 1, refuse).subscribe();
      at(0.5, () => submit('other', 1, () => of('done')).subscribe());
      at(60, () => {
        refusals = 1;
        submit('large', 200_000, refuse).subscribe();
      });
    });
    expect(sent).toEqual(['0 small', '1 small', '2 small', '2 other', '60 large', '65 large']);
  });

  it('waits as long as the server says', () => {
    let refused = false;
    const sent = inTime(1e9, ({ submit }) => {
      submit('a', 1, () => {
        if (refused) return of('done');
        refused = true;
        return tooMany(3_000);
      }).subscribe();
    });
    expect(sent).toEqual(['0 a', '3 a']);
  });

  it('submits 10 at a time, at twentyfold cost, until 10 s after the pause', () => {
    let refusals = 1;
    const sent = inTime(400, ({ submit, at, scheduler }) => {
      submit('first', 1, () => (refusals-- > 0 ? tooMany() : of('done'))).subscribe();
      at(5, () => {
        for (let i = 0; i < 12; i++) submit(`n${i}`, 1, after(1_000, scheduler)).subscribe();
      });
      at(20, () => {
        for (let i = 0; i < 12; i++) submit(`m${i}`, 1, after(1_000, scheduler)).subscribe();
      });
      at(8, () => {
        for (let i = 0; i < 3; i++) submit(`large${i}`, 10, after(1_000, scheduler)).subscribe();
      });
    });
    const at = (second: number): string[] =>
      sent.filter((line) => line.startsWith(`${second} `)).map((line) => line.replace(/.* /, ''));
    expect(at(5)).toHaveLength(10);
    expect(at(6)).toEqual(['n10', 'n11']);
    expect(at(8)).toEqual(['large0', 'large1']);
    expect(at(9)).toEqual(['large2']);
    expect(at(20)).toHaveLength(12);
  });

  it('passes other errors on, and leaves the queue with its subscriber', () => {
    const errors: unknown[] = [];
    const sent = inTime(10, ({ submit, at, scheduler }) => {
      submit('a', 10, after(2_000, scheduler)).subscribe();
      const queued = submit('b', 10, () => of('never')).subscribe();
      submit('c', 10, () => throwError(() => new TinkerError('bad_request', 'no'))).subscribe({
        error: (error: TinkerError) => errors.push(error.code),
      });
      at(1, () => {
        queued.unsubscribe();
      });
    });
    expect(sent).toEqual(['0 a', '2 c']);
    expect(errors).toEqual(['bad_request']);
  });
});
