import { VirtualTimeScheduler } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { RequestTimers, type Timed } from '../../src/transport/requestTimers.js';

/** Timers under virtual time, with what was late when. */
function start() {
  const scheduler = new VirtualTimeScheduler();
  const timers = new RequestTimers(scheduler);
  const late: string[] = [];
  const request = (name: string, timeoutMs: number): (() => void) => {
    const timed: Timed = { timeoutMs, late: () => late.push(`${name} at ${scheduler.now()}`) };
    timers.start(timed);
    return () => {
      timers.stop(timed);
    };
  };
  return { scheduler, late, request };
}

describe('RequestTimers', () => {
  it('tells each request that is late at its own time, and none that is over', () => {
    const { scheduler, late, request } = start();
    request('a', 50);
    scheduler.schedule(() => {
      const over = request('b', 50);
      request('c', 50);
      request('d', 20);
      scheduler.schedule(over, 10);
    }, 10);
    scheduler.flush();
    expect(late).toEqual(['d at 30', 'a at 50', 'c at 60']);
  });

  it('leaves no timer behind when all requests are over, and begins anew with the next', () => {
    const { scheduler, late, request } = start();
    const over = [request('a', 50), request('b', 50)];
    for (const finish of over) finish();
    scheduler.flush();
    expect(scheduler.now()).toBe(0);
    request('c', 50);
    scheduler.flush();
    expect(late).toEqual(['c at 50']);
  });

  it('takes requests that begin while another is told', () => {
    const scheduler = new VirtualTimeScheduler();
    const timers = new RequestTimers(scheduler);
    const late: number[] = [];
    const second: Timed = { timeoutMs: 50, late: () => late.push(scheduler.now()) };
    timers.start({
      timeoutMs: 50,
      late: () => {
        late.push(scheduler.now());
        timers.start(second);
      },
    });
    scheduler.flush();
    expect(late).toEqual([50, 100]);
  });
});
