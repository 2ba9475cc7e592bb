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
