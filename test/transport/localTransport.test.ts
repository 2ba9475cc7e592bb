import { NEVER, of, throwError } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { TinkerError } from '../../src/errors.js';
import { type LocalRequest, localTransport } from '../../src/transport/localTransport.js';
import { request, text } from './testServer.js';

const ok = { status: 200, headers: {}, body: new Uint8Array() };

describe('localTransport', () => {
  it('hands over method, path, headers and the body as bytes, at each subscription', () => {
    const seen: LocalRequest[] = [];
    const transport = localTransport((local) => {
      seen.push(local);
      return of(ok);
    });
    const sending = transport.send(request({ headers: { a: 'b' }, body: 'ü' }));
    expect(seen).toEqual([]);
    const answers: unknown[] = [];
    sending.subscribe({ next: (answer) => answers.push(answer), error: (error: unknown) => answers.push(error) });
    expect(answers).toEqual([ok]);
    expect(seen).toMatchObject([{ method: 'POST', path: '/api/v1/x', headers: { a: 'b' } }]);
    expect(text(seen[0]?.body ?? new Uint8Array())).toBe('ü');
  });

  it('works in virtual time: answer, timeout, error, unsubscription', () => {
    new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(
      ({ cold, expectObservable, expectSubscriptions }) => {
        const send = (source: ReturnType<typeof cold<typeof ok>> | typeof NEVER) =>
          localTransport(() => source, {}).send(request({ timeoutMs: 5 }));
        expectObservable(send(cold('--a-b', { a: ok, b: ok }))).toBe('--(a|)', { a: ok });
        const late = new TinkerError(
          'request_timeout',
          'No complete answer of /api/v1/x from the server in this process within 0.005 s.',
          { retryable: true },
        );
        expectObservable(send(NEVER)).toBe('-----#', undefined, late);
        expectObservable(localTransport(() => throwError(() => late)).send(request())).toBe('#', undefined, late);
        const source = cold<typeof ok>('----a');
        expectObservable(send(source), '-^-!').toBe('----');
        expectSubscriptions(source.subscriptions).toBe('-^-!');
      },
    );
  });
});
