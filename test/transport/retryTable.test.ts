import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TinkerError } from '../../src/errors.js';
import { httpError } from '../../src/transport/httpError.js';
import { retryAfterMs } from '../../src/transport/retryAfter.js';
import { decideRetry, isDefiniteRefusal } from '../../src/transport/retryTable.js';

const answer = (status: number, headers: Record<string, string> = {}, body = '{"detail":"said"}') =>
  httpError('POST /api/v1/x', { status, headers, body: new TextEncoder().encode(body) });
const half = () => 0.5;
const lost = new TinkerError('connection_failed', 'x', { retryable: true });

describe('httpError', () => {
  it.each([
    [400, 'bad_request', false, true],
    [401, 'unauthenticated', false, true],
    [402, 'payment_required', true, true],
    [403, 'permission_denied', false, true],
    [404, 'not_found', false, true],
    [405, 'not_found', false, true],
    [408, 'request_timeout', true, false],
    [409, 'conflict', true, false],
    [410, 'promise_expired', false, true],
    [413, 'bad_request', false, true],
    [415, 'bad_request', false, true],
    [422, 'bad_request', false, true],
    [429, 'rate_limited', true, false],
    [500, 'server_error', true, false],
    [503, 'server_error', true, false],
    [301, 'invalid_response', false, false],
  ])('%i is %s, retryable %s, a definite refusal %s', (status, code, retryable, refusal) => {
    const error = answer(status);
    expect(error).toMatchObject({ code, retryable, details: { status } });
    expect(error.message).toMatch(/^POST \/api\/v1\/x was answered \d+: said/);
    expect(isDefiniteRefusal(error)).toBe(refusal);
  });

  it('obeys x-should-retry', () => {
    expect(answer(500, { 'x-should-retry': 'false' }).retryable).toBe(false);
    expect(answer(400, { 'x-should-retry': 'true' }).retryable).toBe(true);
    expect(answer(500, { 'x-should-retry': 'maybe' }).retryable).toBe(true);
  });

  it('reads an empty 400 as a reset connection', () => {
    const error = answer(400, {}, '');
    expect(error).toMatchObject({ code: 'connection_failed', retryable: true });
    expect(isDefiniteRefusal(error)).toBe(false);
  });
});

describe('retryAfterMs', () => {
  it.each([
    [{ 'retry-after-ms': '250', 'retry-after': '9' }, 250],
    [{ 'retry-after': '1.5' }, 1500],
    [{ 'retry-after': '60' }, 60_000],
    [{ 'retry-after': '61' }, undefined],
    [{ 'retry-after': '0' }, undefined],
    [{ 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }, undefined],
    [{}, undefined],
  ])('reads %j as %s', (headers: Record<string, string>, expected) => {
    expect(retryAfterMs(headers)).toBe(expected);
  });
});

describe('decideRetry', () => {
  it('waits longer each time, up to 10 s, a quarter of it by chance', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.nat(40), random, (attempt, chance) => {
        const decision = decideRetry(lost, attempt, () => chance);
        const longest = Math.min(500 * 2 ** attempt, 10_000);
        expect(decision).toEqual({ retry: true, delayMs: longest * (1 - 0.25 * chance) });
      }),
    );
  });

  it('obeys the server where it asks for a wait', () => {
    expect(decideRetry(answer(503, { 'retry-after': '2' }), 5, half)).toEqual({ retry: true, delayMs: 2000 });
    expect(decideRetry(answer(503, { 'retry-after': '600' }), 0, half)).toEqual({ retry: true, delayMs: 437.5 });
  });

  it('pauses for billing and rate limits', () => {
    expect(decideRetry(answer(402), 3, half)).toEqual({ retry: true, delayMs: 5000, pause: true });
    expect(decideRetry(answer(429, { 'retry-after-ms': '20' }), 0, half)).toEqual({
      retry: true,
      delayMs: 20,
      pause: true,
    });
    expect(decideRetry(answer(429), 0, half)).toEqual({ retry: true, delayMs: 437.5, pause: true });
  });

  it('never repeats what is final', () => {
    expect(decideRetry(answer(422), 0, half)).toEqual({ retry: false });
    expect(decideRetry(answer(500, { 'x-should-retry': 'false' }), 0, half)).toEqual({ retry: false });
    expect(decideRetry(new TinkerError('invalid_response', 'x'), 0, half)).toEqual({ retry: false });
  });
});

describe('isDefiniteRefusal', () => {
  it('is false for what never reached the server for sure', () => {
    expect(isDefiniteRefusal(lost)).toBe(false);
    expect(isDefiniteRefusal(new TinkerError('request_timeout', 'x', { retryable: true }))).toBe(false);
  });
});
