import { type Observable, lastValueFrom, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type QueueNotice, debounceQueueState } from '../../operators/debounceQueueState.js';
import { testScheduler } from './testScheduler.js';

const states = {
  A: { modelId: '1', state: 'active' },
  a: { modelId: '1', state: 'paused_rate_limit' },
  b: { modelId: '1', state: 'paused_capacity' },
  c: { modelId: '1', state: 'paused_capacity', reason: 'maintenance' },
  X: { modelId: '2', state: 'active' },
  x: { modelId: '2', state: 'paused_capacity' },
} satisfies Record<string, QueueNotice>;

/** An interval of ten frames over a source in marbles. */
const expectNotices = (source: string, output: string, unsubscription?: string, subscription?: string): void => {
  testScheduler().run(({ hot, expectObservable, expectSubscriptions }) => {
    const stream: ReturnType<typeof hot<QueueNotice>> = hot(source, states);
    expectObservable(stream.pipe(debounceQueueState({ intervalMs: 10 })), unsubscription).toBe(output, states);
    if (subscription !== undefined) expectSubscriptions(stream.subscriptions).toBe(subscription);
  });
};

describe('debounceQueueState', () => {
  it('emits a changed state at once when the interval has passed', () => {
    expectNotices(
      '-a----------b-----------c-|',
      '-a----------b-----------c-|',
      undefined,
      '^-------------------------!',
    );
  });

  it('counts the interval to the millisecond', () => {
    expectNotices('-a---------b|', '-a---------b|');
    expectNotices('-a--------b--|', '-a---------b-|');
  });

  it('keeps the latest within the interval and emits it when that has passed', () => {
    expectNotices('-a-b-c----------|', '-a---------c----|');
  });

  it('emits nothing for a state that goes on', () => {
    expectNotices('-a-a-a-a-a-a-a-a-a-a-a-|', '-a---------------------|');
  });

  it('does not keep a state that equals the last notice, but the reason is a part of it', () => {
    expectNotices('-a-b-a------------|', '-a----------------|');
    expectNotices('-b-c------------|', '-b---------c----|');
  });

  it('never emits active, and drops what is kept when it comes', () => {
    expectNotices('-A-------A-|', '-----------|');
    expectNotices('-a-b-A------------|', '-a----------------|');
    expectNotices('-a-b-A-b----------|', '-a---------b------|');
  });

  it('warns again of the same pause after active, once the interval has passed', () => {
    expectNotices('-a-A----------a-|', '-a------------a-|');
    expectNotices('-a-A--a---------|', '-a--------------|');
  });

  it('starts the interval anew with each notice', () => {
    expectNotices('-a-b-----------a------------|', '-a---------b---------a------|');
  });

  it('keeps models apart', () => {
    expectNotices('-ax-b---X-x-b-----|', '-ax--------b------|');
    expectNotices('-a--x-b--------|', '-a--x------b---|');
  });

  it('emits what is kept on completion, unless it equals the last notice', () => {
    expectNotices('-a-b|', '-a--(b|)');
    expectNotices('-a-b-a|', '-a----|');
  });

  it('drops what is kept on an error and on an unsubscription', () => {
    expectNotices('-a-b-#', '-a---#');
    expectNotices('-a-b------------|', '-a-------', '---------!', '^--------!');
  });

  it('does not starve under states that never stop changing', () => {
    expectNotices('-abcabcabcabcabcabcabcabc', '-a---------b---------c---');
  });

  it('debounces to one in 60 s by default', () => {
    testScheduler().run(({ hot, expectObservable }) => {
      const source: Observable<QueueNotice> = hot('a 29s b 29s c 10s |', states);
      expectObservable(source.pipe(debounceQueueState())).toBe('a 59999ms c 8002ms |', states);
    });
  });

  it('takes a synchronous source', async () => {
    const { a, b, c, x } = states;
    const notices = await lastValueFrom(of<QueueNotice[]>(a, b, x, c).pipe(debounceQueueState(), toArray()));
    expect(notices).toEqual([a, x, c]);
  });
});
