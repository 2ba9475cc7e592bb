import { EMPTY, type Observable, defer, of } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { RestClient } from '../../src/clients/rest.js';
import type { ServiceOptions } from '../../src/clients/serviceOptions.js';
import { silentLogger } from '../../src/log.js';
import type { Transport, TransportResponse } from '../../src/transport/transport.js';

/** Runs a test in virtual time on answers that come at once; gives the seconds in which they were asked for. */
function inTime(
  answers: readonly [status: number, json: unknown][],
  test: (rest: RestClient) => Observable<unknown>,
  options: ServiceOptions = {},
) {
  const scheduler = new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected);
  });
  const asked: number[] = [];
  const outcome: { value?: unknown; error?: unknown } = {};
  const send = (): Observable<TransportResponse> =>
    defer(() => {
      const [status, json] = answers[Math.min(asked.length, answers.length - 1)] ?? [500, {}];
      asked.push(scheduler.now() / 1000);
      return of({ status, headers: {}, body: new TextEncoder().encode(JSON.stringify(json)) });
    });
  const transport: Transport = { send, close: () => EMPTY };
  const rest = new RestClient({
    baseUrl: 'http://stub',
    transport,
    scheduler,
    log: silentLogger,
    random: () => 0,
    ...options,
  });
  scheduler.run(() => {
    test(rest).subscribe({
      next: (value) => (outcome.value = value),
      error: (error: unknown) => (outcome.error = error),
    });
  });
  return { asked, ...outcome };
}

const path = 'tinker://run/weights/a';

describe('a wait for the server to build something', () => {
  it('asks for an archive again every 30 s', () => {
    const building = [503, { detail: 'building' }] as [number, unknown];
    const outcome = inTime([building, building, [200, { url: 'u' }]], (rest) => rest.getCheckpointArchiveUrl(path));
    expect(outcome).toEqual({ asked: [0, 30, 60], value: { url: 'u' } });
  });

  it('gives up an archive after 6 tries', () => {
    const outcome = inTime([[503, { detail: 'building' }]], (rest) => rest.getCheckpointArchiveUrl(path));
    expect(outcome.asked).toEqual([0, 30, 60, 90, 120, 150]);
    expect(outcome.error).toMatchObject({ code: 'server_error', details: { status: 503 } });
  });

  it('takes no refusal of an archive for a delay', () => {
    const outcome = inTime([[404, { detail: 'no such checkpoint' }]], (rest) => rest.getCheckpointArchiveUrl(path));
    expect(outcome).toMatchObject({ asked: [0], error: { code: 'not_found' } });
  });

  it('asks for a trace every 5 s', () => {
    const pending = [200, { status: 'pending' }] as [number, unknown];
    const ready = [200, { status: 'ready', url: 'u' }] as [number, unknown];
    const outcome = inTime([pending, pending, ready], (rest) => rest.exportSessionTrace('s'));
    expect(outcome).toEqual({ asked: [0, 5, 10], value: 'u' });
  });

  it('tells why a trace failed', () => {
    const outcome = inTime([[200, { status: 'failed', error: 'too large' }]], (rest) => rest.exportSessionTrace('s'));
    expect(outcome.error).toMatchObject({
      code: 'request_failed',
      message: 'The trace of session s could not be exported: too large',
    });
  });
});

describe('a pause for billing', () => {
  it('lasts as long as the server’s flags say', () => {
    const flags = [200, { billing_exception_max_pause_duration_sec: 12 }] as [number, unknown];
    const unpaid = [402, { detail: 'pay' }] as [number, unknown];
    const outcome = inTime([flags, unpaid], (rest) => rest.getSession('s'), { apiKey: 'tml-1' });
    expect(outcome.asked).toEqual([0, 0, 5, 10, 15]);
    expect(outcome.error).toMatchObject({ code: 'payment_required' });
  });
});
