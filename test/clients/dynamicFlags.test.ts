import { EMPTY, type Observable, defer, of, throwError } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { DynamicFlags } from '../../src/clients/dynamicFlags.js';
import { TinkerError } from '../../src/errors.js';
import { silentLogger } from '../../src/log.js';
import { Api } from '../../src/transport/api.js';
import type { TransportResponse } from '../../src/transport/transport.js';
import { defaultDynamicConfig } from '../../src/wire/index.js';

/** Asks for the flags at these seconds of virtual time; gives what came and when the server was asked. */
function ask(answers: readonly [status: number, json: object][], seconds: readonly number[]) {
  const scheduler = new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected);
  });
  const asked: number[] = [];
  const got: unknown[] = [];
  const send = (): Observable<TransportResponse> =>
    defer(() => {
      const [status, json] = answers[asked.length] ?? [404, {}];
      asked.push(scheduler.now() / 1000);
      if (status === 0) return throwError(() => new TinkerError('connection_failed', 'no', { retryable: true }));
      return of({ status, headers: {}, body: new TextEncoder().encode(JSON.stringify(json)) });
    });
  const log = silentLogger;
  scheduler.run(() => {
    const transport = { send, close: () => EMPTY };
    const api = new Api({ transport, scheduler, random: () => 0, log, sdkVersion: '1' });
    const flags = new DynamicFlags(api, scheduler, log);
    for (const second of seconds) {
      scheduler.schedule(() => {
        flags.current$.subscribe({
          next: ({ sampleCancelEnabled }) => got.push(sampleCancelEnabled),
          error: (error: TinkerError) => got.push(error.code),
        });
      }, second * 1000);
    }
  });
  return { asked, got };
}

const on = { sample_cancel_enabled: true, refresh_interval_sec: 20 };
const off = { sample_cancel_enabled: false, refresh_interval_sec: 20 };

describe('DynamicFlags', () => {
  it('are asked for when they are needed, and again when they are too old', () => {
    const answers: [number, object][] = [
      [200, on],
      [200, off],
    ];
    expect(ask(answers, [3, 4, 22.9, 23, 24])).toEqual({ asked: [3, 23], got: [true, true, true, false, false] });
  });

  it('are never asked for more often than every 10 s', () => {
    const eager = { ...on, refresh_interval_sec: 1 };
    expect(
      ask(
        [
          [200, eager],
          [200, eager],
        ],
        [0, 5, 9, 10],
      ).asked,
    ).toEqual([0, 10]);
  });

  it('are those of the protocol where the server has none', () => {
    expect(ask([[404, {}]], [0, 1])).toEqual({ asked: [0], got: [false, false] });
    expect(defaultDynamicConfig).toMatchObject({ refreshIntervalSec: 300, sampleCancelMaxBatchSize: 64 });
  });

  it('stay as they are when a refresh fails, which is tried once', () => {
    const answers: [number, object][] = [
      [200, on],
      [503, {}],
      [200, off],
    ];
    expect(ask(answers, [0, 20, 21, 40])).toEqual({ asked: [0, 20, 40], got: [true, true, true, false] });
  });

  it('are tried again by the standard rule at first, and refused for good', () => {
    expect(
      ask(
        [
          [0, {}],
          [200, on],
        ],
        [0],
      ),
    ).toEqual({ asked: [0, 0.5], got: [true] });
    expect(ask([[403, {}]], [0])).toEqual({ asked: [0], got: ['permission_denied'] });
  });
});
