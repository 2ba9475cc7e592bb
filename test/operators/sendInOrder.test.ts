import { EMPTY, Subject, concatMap, from, lastValueFrom, of, range, timer, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { sendInOrder } from '../../operators/sendInOrder.js';
import { testScheduler } from './testScheduler.js';

describe('sendInOrder', () => {
  it('sends one after another and polls side by side', () => {
    testScheduler().run(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = hot(' -abc------------|');
      const sends = { a: cold(' --A|'), b: cold('--B|'), c: cold('--C|') };
      const polls = { A: cold('---------x|'), B: cold('--y|'), C: cold('--z|') };
      const result = source.pipe(
        sendInOrder({
          send: (value) => sends[value as 'a' | 'b' | 'c'],
          poll: (sent) => polls[sent as 'A' | 'B' | 'C'],
        }),
      );
      expectObservable(result).toBe('--------y--zx---|');
      expectSubscriptions(sends.a.subscriptions).toBe('-^--!');
      expectSubscriptions(sends.b.subscriptions).toBe('----^--!');
      expectSubscriptions(sends.c.subscriptions).toBe('-------^--!');
      expectSubscriptions(polls.A.subscriptions).toBe('---^---------!');
      expectSubscriptions(polls.B.subscriptions).toBe('------^--!');
      expectSubscriptions(polls.C.subscriptions).toBe('---------^--!');
    });
  });

  it('polls what was sent before the send completes', () => {
    testScheduler().run(({ cold, expectObservable }) => {
      const result = cold('a|').pipe(sendInOrder({ send: () => cold('-S-----|'), poll: () => cold('-r|') }));
      expectObservable(result).toBe('--r----|');
    });
  });

  it('polls at most concurrentPolls at once, in the order in which they were sent', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const polls = [cold('----x|'), cold('----y|'), cold('----z|')];
      const result = cold('(abc|)').pipe(
        sendInOrder({ send: (_, index) => of(index), poll: (index) => polls[index] ?? cold('#'), concurrentPolls: 2 }),
      );
      expectObservable(result).toBe('----(xy)-z|');
      expectSubscriptions(polls[0]?.subscriptions ?? []).toBe('^----!');
      expectSubscriptions(polls[1]?.subscriptions ?? []).toBe('^----!');
      expectSubscriptions(polls[2]?.subscriptions ?? []).toBe('-----^----!');
    });
  });

  it('polls what is resumed without sending it, and completes when that has completed too', () => {
    testScheduler().run(({ cold, hot, expectObservable }) => {
      const result = cold('-a|').pipe(
        sendInOrder({
          send: (value) => of(value.toUpperCase()),
          poll: (sent) => cold('--r|', { r: sent }),
          resume: hot('---R----S---|'),
        }),
      );
      expectObservable(result).toBe('---A-R----S-|');
    });
  });

  it('errors when a send does, and ends the polls', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const poll = cold('-------x|');
      const sends = { a: cold('-A|'), b: cold('-#') };
      const result = cold('ab|').pipe(sendInOrder({ send: (value) => sends[value as 'a' | 'b'], poll: () => poll }));
      expectObservable(result).toBe('---#');
      expectSubscriptions(poll.subscriptions).toBe('-^-!');
    });
  });

  it('errors when a poll, the source or a selector does', () => {
    testScheduler().run(({ cold, expectObservable }) => {
      const send = (value: string) => of(value);
      expectObservable(cold('a---|').pipe(sendInOrder({ send, poll: () => cold('--#') }))).toBe('--#');
      expectObservable(cold('a-#').pipe(sendInOrder({ send, poll: () => cold('-----x') }))).toBe('--#');
      const thrown = () => {
        throw new Error('no');
      };
      expectObservable(cold('-a-|').pipe(sendInOrder({ send: thrown, poll: send }))).toBe('-#', {}, new Error('no'));
      expectObservable(cold('-a-|').pipe(sendInOrder({ send, poll: thrown }))).toBe('-#', {}, new Error('no'));
    });
  });

  it('ends the send under way and all polls when unsubscribed, and sends nothing more', () => {
    testScheduler().run(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = hot('  -abc-----|');
      const sendA = cold('   --A|');
      const sendB = cold('      -----B|');
      const sendC = cold('C|');
      const poll = cold('      ---------x|');
      const sends = { a: sendA, b: sendB, c: sendC };
      const result = source.pipe(sendInOrder({ send: (value) => sends[value as 'a' | 'b' | 'c'], poll: () => poll }));
      expectObservable(result, '------!').toBe('-------');
      expectSubscriptions(source.subscriptions).toBe('^-----!');
      expectSubscriptions(sendB.subscriptions).toBe(' ----^-!');
      expectSubscriptions(poll.subscriptions).toBe('  ---^--!');
      expectSubscriptions(sendC.subscriptions).toBe([]);
    });
  });

  it('takes a synchronous source with synchronous sends and polls, in order', async () => {
    const log: string[] = [];
    const results = await lastValueFrom(
      from([1, 2, 3]).pipe(
        sendInOrder({
          send: (n) => {
            log.push(`send ${n}`);
            return [n];
          },
          poll: (n) => {
            log.push(`poll ${n}`);
            return [10 * n];
          },
        }),
        toArray(),
      ),
    );
    expect(results).toEqual([10, 20, 30]);
    expect(log).toEqual(['send 1', 'poll 1', 'send 2', 'poll 2', 'send 3', 'poll 3']);
  });

  it('completes after ten thousand waiting sends and polls that end at once, where concatMap alone overflows', async () => {
    const waiting = new Subject<number>();
    const withQueue = lastValueFrom(
      waiting.pipe(
        sendInOrder({
          send: (n) => (n === 0 ? timer(1) : n % 2 === 0 ? EMPTY : of(n)),
          poll: (n) => (n === 0 ? timer(5) : of(n)),
          concurrentPolls: 1,
        }),
        toArray(),
      ),
    );
    range(0, 10_000).subscribe(waiting);
    expect(await withQueue).toHaveLength(5001);
  });

  it('keeps nothing of a source that is only polled: subscribing twice sends twice', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const send = cold('-S|');
      const result = cold('a|').pipe(sendInOrder({ send: () => send, poll: (sent) => of(sent) }));
      expectObservable(result.pipe(concatMap(() => result))).toBe('--S|');
      expectSubscriptions(send.subscriptions).toBe(['^-!', '-^-!']);
    });
  });
});
