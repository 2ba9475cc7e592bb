import { describe, expect, it } from 'vitest';
import { readFutureAnswer } from '../../src/wire/futureAnswer.js';

const encode = (value: unknown) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const read = (status: number, body: unknown, retryAfterMs?: number) =>
  readFutureAnswer(status, { 'content-type': 'application/json' }, encode(body), retryAfterMs);

describe('readFutureAnswer', () => {
  it('gives a protobuf result as its bytes', () => {
    const bytes = Uint8Array.of(1, 2);
    const headers = { 'content-type': 'application/x-protobuf; charset=binary' };
    expect(readFutureAnswer(200, headers, bytes)).toEqual({ type: 'result', body: { kind: 'protobuf', bytes } });
  });

  it.each([{ metrics: {} }, { status: 'complete' }, { type: 'optim_step' }, [], null, 5])(
    'takes %j as a result',
    (json) => {
      expect(read(200, json)).toEqual({ type: 'result', body: { kind: 'json', json } });
    },
  );

  it('reads JSON whatever the content type says', () => {
    const answer = readFutureAnswer(200, { 'content-type': 'text/plain' }, encode('{"path":"p"}'));
    expect(answer).toEqual({ type: 'result', body: { kind: 'json', json: { path: 'p' } } });
  });

  it('reads try_again with all it may carry', () => {
    expect(read(200, { type: 'try_again' })).toEqual({ type: 'try_again' });
    expect(
      read(200, {
        type: 'try_again',
        queue_state: 'paused_rate_limit',
        queue_state_reason: 'too many',
        retry_after_ms: 20,
      }),
    ).toEqual({ type: 'try_again', queueState: 'paused_rate_limit', queueStateReason: 'too many', retryAfterMs: 20 });
    expect(read(200, { type: 'try_again', queue_state: 'paused_by_moon', queue_state_reason: null })).toEqual({
      type: 'try_again',
      queueState: 'unknown',
    });
  });

  it('reads a 408 as not ready, with or without a body of ours', () => {
    expect(read(408, { queue_state: 'paused_capacity' })).toEqual({ type: 'try_again', queueState: 'paused_capacity' });
    expect(read(408, { detail: 'Timeout' }, 50)).toEqual({ type: 'try_again', retryAfterMs: 50 });
    expect(read(408, '<html>')).toEqual({ type: 'try_again' });
  });

  it('reads metadata', () => {
    expect(read(200, { status: 'complete_metadata', response_payload_size: 12 })).toEqual({
      type: 'metadata',
      payloadSize: 12,
    });
    expect(() => read(200, { status: 'complete_metadata' })).toThrow('response_payload_size');
  });

  it.each([
    [{ error: 'no', category: 'user' }, 'no', 'user'],
    [{ error: 'no', category: 'server' }, 'no', 'server'],
    [{ error: 'no', category: 'User' }, 'no', 'unknown'],
    [{ error: { message: 'deep' } }, 'deep', 'unknown'],
    [{ error: null, category: 7 }, 'null', 'unknown'],
    [{ error: { code: 3 } }, '{"code":3}', 'unknown'],
  ])('reads a failure: %j', (json, message, category) => {
    expect(read(200, json)).toEqual({ type: 'failed', message, category });
  });

  it.each([
    [500, { detail: 'boom' }, { type: 'unavailable', status: 500, message: 'boom', retryAfterMs: 9 }],
    [503, '', { type: 'unavailable', status: 503, message: '', retryAfterMs: 9 }],
    [429, { detail: 'slow' }, { type: 'back_off', status: 429, message: 'slow', retryAfterMs: 9 }],
    [400, '', { type: 'back_off', status: 400, message: '', retryAfterMs: 9 }],
    [400, { detail: 'bad' }, { type: 'rejected', message: 'bad' }],
    [402, { message: 'pay' }, { type: 'payment_required', message: 'pay' }],
    [410, { detail: 'gone' }, { type: 'expired', message: 'gone' }],
    [404, { detail: 'Future not found' }, { type: 'refused', status: 404, message: 'Future not found' }],
    [302, '', { type: 'refused', status: 302, message: '' }],
  ])('reads status %i', (status, body, expected) => {
    expect(read(status, body, 9)).toEqual(expected);
  });

  it('refuses a success that is no JSON', () => {
    expect(() => read(200, '<html>')).toThrow('Expected JSON from POST /api/v1/retrieve_future, got "<html>".');
    expect(() => read(200, '')).toThrow('got an empty body');
  });
});
