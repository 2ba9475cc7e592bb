import { concat, defer, EMPTY, NEVER, type Observable, of, throwError } from 'rxjs';
import { type RunHelpers, TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { TinkerError } from '../../src/errors.js';
import { type Logger, silentLogger } from '../../src/log.js';
import { Api, type ApiCall } from '../../src/transport/api.js';
import type { Credentials } from '../../src/transport/credentials.js';
import { Secrets } from '../../src/transport/secrets.js';
import type { TransportRequest, TransportResponse } from '../../src/transport/transport.js';
import * as s from '../../src/wire/schema.js';
import { text } from './testServer.js';

type Answer = Observable<TransportResponse>;

const answer = (status: number, json: unknown = {}, headers: Record<string, string> = {}): Answer =>
  of({ status, headers, body: new TextEncoder().encode(JSON.stringify(json)) });
const secrets = new Secrets();
secrets.add('tml-1');
const tml1: Credentials = { key$: of('tml-1'), replace: () => EMPTY, redact: secrets.redact };
const noConnection = throwError(() => new TinkerError('connection_failed', 'no connection', { retryable: true }));
const call = { method: 'POST', path: '/api/v1/x', body: { a: 1 }, schema: s.object({ b: s.int() }) } as const;

/** Runs a test in virtual time, where chance is nought: the first wait is 500 ms. */
function run(
  answers: Answer[],
  test: (api: Api, sent: TransportRequest[], helpers: RunHelpers) => void,
  log: Logger = silentLogger,
): void {
  const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
  scheduler.run((helpers) => {
    const sent: TransportRequest[] = [];
    const transport = {
      send: (request: TransportRequest) =>
        defer(() => {
          sent.push(request);
          return answers[sent.length - 1] ?? answers.at(-1) ?? NEVER;
        }),
      close: () => concat(),
    };
    const headers = { 'x-extra': 'yes' };
    test(
      new Api({ transport, credentials: tml1, headers, scheduler, random: () => 0, log, sdkVersion: '1.2.3' }),
      sent,
      helpers,
    );
  });
}

/** The error that a call ends with, given that all happens at once. */
function failure(call: Observable<unknown>): unknown {
  let caught: unknown;
  call.subscribe({ error: (error: unknown) => (caught = error) });
  return caught;
}

describe('Api.call', () => {
  it('sends JSON with the headers of the protocol, at the subscription', () => {
    run([answer(200, { b: 1, c: 2 })], (api, sent, { expectObservable, flush }) => {
      const result = api.call({ ...call, retry: 'none' });
      expect(sent).toEqual([]);
      expectObservable(result).toBe('(b|)', { b: { b: 1 } });
      flush();
      expect(sent).toEqual([
        {
          method: 'POST',
          path: '/api/v1/x',
          pool: 'send',
          timeoutMs: 60_000,
          body: '{"a":1}',
          headers: {
            accept: 'application/json',
            'content-type': 'application/json',
            'user-agent': 'rxtinker/1.2.3',
            'x-sdk-version': '1.2.3',
            'x-api-key': 'tml-1',
            'x-idempotency-key': 'rxtinker-00000000-0000-4000-8000-000000000000',
            'x-extra': 'yes',
          },
        },
      ]);
    });
  });

  it('sends encoded bodies as they are, and none on GET', () => {
    run([answer(200, { b: 1 })], (api, sent, { flush }) => {
      const bytes = Uint8Array.of(1, 2);
      const body = { contentType: 'application/x-protobuf', bytes };
      const headers = { accept: 'application/x-protobuf' };
      const own = { idempotencyKey: 'k', pool: 'poll', timeoutMs: 5, headers, retry: 'none' } as const;
      void failure(api.call({ ...call, ...own, body }));
      void failure(api.call({ method: 'GET', path: '/y', schema: call.schema, retry: 'none' }));
      flush();
      expect(sent[0]).toMatchObject({ body: bytes, pool: 'poll', timeoutMs: 5 });
      expect(sent[0]?.headers).toMatchObject({
        accept: 'application/x-protobuf',
        'content-type': 'application/x-protobuf',
        'x-idempotency-key': 'k',
      });
      expect(sent[1]).not.toHaveProperty('body');
      expect(sent[1]?.headers).not.toHaveProperty('content-type');
    });
  });

  it('reads an answer by a function too', () => {
    run([answer(204)], (api, _, { expectObservable }) => {
      const read = ({ status }: TransportResponse) => status;
      const result = api.call({ method: 'POST', path: '/x', read, retry: 'none' });
      expectObservable(result).toBe('(a|)', { a: 204 });
    });
  });

  it('sends again after a transient failure: the same bytes, the same key, longer waits', () => {
    run([noConnection, answer(503), answer(409), answer(200, { b: 1 })], (api, sent, { expectObservable, flush }) => {
      expectObservable(api.call({ ...call, retry: 'standard' })).toBe('3500ms (b|)', { b: { b: 1 } });
      flush();
      expect(sent).toHaveLength(4);
      expect(new Set(sent.map((request) => JSON.stringify(request))).size).toBe(1);
    });
  });

  it.each<[string, ApiCall<unknown>['retry'], Answer, number]>([
    ['a refusal', 'standard', answer(422, { detail: 'bad' }), 1],
    ['an answer of the wrong shape', 'standard', answer(200, { b: 'x' }), 1],
    ['anything where none is wanted', 'none', answer(503), 1],
    ['a status that is final here', { deadlineMs: 10_000, final: [409] }, answer(409), 1],
  ])('does not repeat %s', (_, retry, only, count) => {
    run([only], (api, sent) => {
      expect(failure(api.call({ ...call, retry }))).toBeInstanceOf(TinkerError);
      expect(sent).toHaveLength(count);
    });
  });

  it('gives up with the last error at the deadline, which pauses put off', () => {
    run([answer(503)], (api, sent, { expectObservable, flush }) => {
      const gone = new TinkerError('server_error', 'POST /api/v1/x was answered 503: {}', {
        retryable: true,
        details: { status: 503 },
      });
      expectObservable(api.call({ ...call, retry: { deadlineMs: 1_600 } })).toBe('1500ms #', undefined, gone);
      flush();
      expect(sent).toHaveLength(3);
    });
    const paused = [...Array.from({ length: 4 }, () => answer(402)), answer(200, { b: 1 })];
    run(paused, (api, _, { expectObservable }) => {
      expectObservable(api.call({ ...call, retry: { deadlineMs: 1_600 } })).toBe('20s (b|)', { b: { b: 1 } });
    });
  });

  it('gives up a billing pause after its window', () => {
    const message = 'POST /api/v1/x was answered 402: {}';
    const unpaid = new TinkerError('payment_required', message, { retryable: true, details: { status: 402 } });
    run([answer(402)], (api, sent, { expectObservable, flush }) => {
      expectObservable(api.call({ ...call, retry: 'standard' })).toBe('3600s #', undefined, unpaid);
      flush();
      expect(sent).toHaveLength(721);
    });
  });

  it('aborts with its subscriber', () => {
    run([], (api, _, { expectObservable, cold, expectSubscriptions }) => {
      const pending = cold<TransportResponse>('-----');
      const waiting = new Api({
        transport: { send: () => pending, close: () => NEVER },
        scheduler: new TestScheduler(() => undefined),
        random: () => 0,
        log: silentLogger,
        sdkVersion: '1',
      });
      expectObservable(waiting.call({ ...call, retry: 'standard' }), '^--!').toBe('---');
      expectSubscriptions(pending.subscriptions).toBe('^--!');
      expect(api).toBeInstanceOf(Api);
    });
  });

  it('names endpoint and field of a malformed answer, and keeps the query out', () => {
    run([answer(200, { b: 'x' })], (api) => {
      expect(failure(api.call({ ...call, path: '/api/v1/x?limit=1', retry: 'none' }))).toMatchObject({
        code: 'invalid_response',
        message: expect.stringMatching(
          /^The answer of POST \/api\/v1\/x does not have the expected shape: b: /,
        ) as string,
      });
    });
  });

  it('shows no key, whatever the server says', () => {
    run([answer(401, { detail: 'no such key: tml-1' })], (api) => {
      expect(failure(api.call({ ...call, retry: 'none' }))).toMatchObject({
        code: 'unauthenticated',
        message: 'POST /api/v1/x was answered 401: no such key: [secret] Check TINKER_API_KEY or { apiKey }.',
      });
    });
  });

  it('logs notices of deprecation, retries and billing pauses', () => {
    const lines: string[] = [];
    const write = (level: string) => (message: string) => lines.push(`${level} ${message}`);
    const log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
    const note = { 'x-deprecation-note': 'old' };
    const answers = [
      answer(503, { detail: 'busy' }),
      answer(402, { detail: 'pay' }),
      answer(200, { b: 1 }, { ...note, 'x-deprecation-level': 'error' }),
      answer(200, { b: 1 }, note),
    ];
    const test = (api: Api, _: unknown, { expectObservable, flush }: RunHelpers) => {
      const result = api.call({ ...call, retry: 'standard' });
      expectObservable(concat(result, result)).toBe('5500ms (bb|)', { b: { b: 1 } });
      flush();
    };
    run(answers, test, log);
    expect(lines).toEqual([
      'debug Sending POST /api/v1/x again: POST /api/v1/x was answered 503: busy',
      'warn The job is paused due to billing status. Error: POST /api/v1/x was answered 402: pay',
      'error Deprecation notice: old',
      'warn Deprecation notice: old',
    ]);
  });
});

describe('Api in an outage', () => {
  it.each([
    { failures: 3, warnings: 0 },
    { failures: 6, warnings: 1 },
  ])('warns of one that goes on for long: $failures failures, $warnings warnings', ({ failures, warnings }) => {
    const lines: string[] = [];
    const log = { ...silentLogger, warn: (message: string) => lines.push(message) };
    const outage = Array.from({ length: failures }, () => noConnection);
    // The second outage begins anew, and its warning would come too soon after the first.
    run(
      [...outage, answer(200, { b: 1 }), ...outage, answer(200, { b: 1 })],
      (api, sent, { flush }) => {
        concat(api.call({ ...call, retry: 'standard' }), api.call({ ...call, retry: 'standard' })).subscribe();
        flush();
        expect(sent).toHaveLength(2 * failures + 2);
      },
      log,
    );
    expect(lines).toHaveLength(warnings);
    for (const line of lines) expect(line).toMatch(/^The server has been out of reach for 1\d s .*: no connection$/);
  });
});

describe('Api.callRaw', () => {
  it('gives answers of any status and repeats none', () => {
    run([answer(410, { detail: 'gone: tml-1' })], (api, sent) => {
      let response: TransportResponse | undefined;
      api
        .callRaw(call)
        .subscribe({ next: (raw) => (response = raw), error: (error: unknown) => expect(error).toBeUndefined() });
      expect(sent).toHaveLength(1);
      expect(response?.status).toBe(410);
      if (response === undefined) return;
      expect(text(response.body)).toContain('gone');
      expect(api.errorOf(call, response)).toMatchObject({
        code: 'promise_expired',
        message: 'POST /api/v1/x was answered 410: gone: [secret]',
      });
    });
  });
});
