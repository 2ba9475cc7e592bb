import { EMPTY, Observable, Subject, defer, of, throwError } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { TokenExchange } from '../../src/auth/tokenExchange.js';
import { TinkerError } from '../../src/errors.js';
import { Api } from '../../src/transport/api.js';
import { Secrets } from '../../src/transport/secrets.js';
import type { TransportResponse } from '../../src/transport/transport.js';
import { token } from './tokens.js';

type Answer = Observable<TransportResponse>;

const answer = (status: number, json: unknown): Answer =>
  of({ status, headers: {}, body: new TextEncoder().encode(JSON.stringify(json)) });

/** An exchange in virtual time whose server issues the tokens 0, 1, 2 … of 1000 s, unless it is told otherwise. */
function inTime(
  test: (t: {
    exchange: TokenExchange;
    scheduler: TestScheduler;
    at: (seconds: number, act: () => void) => void;
    secrets: Secrets;
    lines: string[];
  }) => void,
  options: { server?: (count: number, seconds: number) => Answer | undefined; random?: number } = {},
): { exchanges: number[] } {
  const scheduler = new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected);
  });
  const exchanges: number[] = [];
  const lines: string[] = [];
  const write = (level: string) => (message: string) => lines.push(`${scheduler.now() / 1000} ${level} ${message}`);
  const log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  const secrets = new Secrets();
  const send = (): Answer =>
    defer(() => {
      const seconds = scheduler.now() / 1000;
      exchanges.push(seconds);
      return (
        options.server?.(exchanges.length - 1, seconds) ?? answer(200, { jwt: issue(exchanges.length - 1, seconds) })
      );
    });
  const random = (): number => options.random ?? 0.5;
  const api = new Api({ transport: { send, close: () => EMPTY }, scheduler, random, log, sdkVersion: '1' });
  const exchange = new TokenExchange({ api, scheduler, background: scheduler, random, log, secrets });
  scheduler.run(() => {
    const at = (seconds: number, act: () => void): void => {
      scheduler.schedule(act, seconds * 1000);
    };
    test({ exchange, scheduler, at, secrets, lines });
  });
  return { exchanges };
}

const issue = (count: number, seconds: number, life = 1000): string =>
  token({ jti: count, iat: seconds, exp: seconds + life });

describe('TokenExchange', () => {
  it('exchanges when a token is asked for, once, and then at half of its life', () => {
    const got: string[] = [];
    const { exchanges } = inTime(({ exchange, at }) => {
      at(10, () => exchange.token$.subscribe((jwt) => got.push(jwt)));
      at(11, () => exchange.token$.subscribe((jwt) => got.push(jwt)));
      at(600, () => exchange.token$.subscribe((jwt) => got.push(jwt)));
      at(1_700, () => exchange.stop());
    });
    expect(exchanges).toEqual([10, 510, 1_010, 1_510]);
    expect(got).toEqual([issue(0, 10), issue(0, 10), issue(1, 510)]);
  });

  it.each([
    [0, 450],
    [0.999, 549.9],
  ])('refreshes at 0.45 to 0.55 of the life: chance %s', (random, seconds) => {
    const run = inTime(
      ({ exchange, at }) => {
        exchange.token$.subscribe();
        at(800, () => exchange.stop());
      },
      { random },
    );
    expect(run.exchanges[1]).toBeCloseTo(seconds, 6);
  });

  it('tries a refresh that failed again after 60 s, and warns of the first time', () => {
    const lines: string[] = [];
    const { exchanges } = inTime(
      ({ exchange, at, lines: written }) => {
        exchange.token$.subscribe();
        at(700, () => {
          exchange.stop();
          lines.push(...written.filter((line) => line.includes('again in 60 s')));
        });
      },
      { server: (count) => (count === 1 || count === 2 ? answer(500, { detail: 'down' }) : undefined) },
    );
    expect(exchanges).toEqual([0, 500, 560, 620]);
    expect(lines.map((line) => line.slice(0, 9))).toEqual(['500 warn ', '560 debug']);
  });

  it('exchanges on demand when 60 s or less are left, and keeps the old token when that fails', () => {
    const got: (string | number)[] = [];
    const { exchanges } = inTime(
      ({ exchange, at }) => {
        exchange.token$.subscribe();
        exchange.stop();
        const ask = (): void => {
          exchange.token$.subscribe({ next: (jwt) => got.push(jwt), error: () => got.push('error') });
        };
        at(939, ask);
        at(940, ask);
        at(950, ask);
        at(951, ask);
      },
      { server: (count) => (count === 1 ? answer(500, {}) : undefined) },
    );
    expect(exchanges).toEqual([0, 940, 950]);
    expect(got).toEqual([issue(0, 0), issue(0, 0), issue(2, 950), issue(2, 950)]);
  });

  it('says at once that the key is refused, though the old token is still good', () => {
    const errors: unknown[] = [];
    inTime(
      ({ exchange, at }) => {
        exchange.token$.subscribe();
        exchange.stop();
        at(950, () => exchange.token$.subscribe({ error: (error: unknown) => errors.push(error) }));
      },
      { server: (count) => (count === 1 ? answer(401, { detail: 'revoked' }) : undefined) },
    );
    expect(errors).toMatchObject([{ code: 'unauthenticated', message: expect.stringContaining('revoked') as string }]);
  });

  it('shares one exchange among all who wait for it', () => {
    const got: string[] = [];
    const { exchanges } = inTime(
      ({ exchange, at, scheduler }) => {
        expect(scheduler.now()).toBe(0);
        for (let i = 0; i < 3; i++) exchange.token$.subscribe((jwt) => got.push(jwt));
        at(2, () => exchange.stop());
      },
      { server: () => undefined },
    );
    expect(exchanges).toEqual([0]);
    expect(got).toHaveLength(3);
  });

  it('replaces a rejected token once for all whose requests were rejected', () => {
    const got: string[] = [];
    const slow = new Subject<TransportResponse>();
    const { exchanges } = inTime(
      ({ exchange, at }) => {
        let first = '';
        exchange.token$.subscribe((jwt) => (first = jwt));
        exchange.stop();
        at(1, () => exchange.replace(first).subscribe((jwt) => got.push(jwt)));
        at(1, () => exchange.replace(first).subscribe((jwt) => got.push(jwt)));
        at(2, () => {
          answer(200, { jwt: issue(1, 2) }).subscribe((response) => slow.next(response));
          slow.complete();
        });
        at(3, () => exchange.replace(first).subscribe((jwt) => got.push(jwt)));
      },
      { server: (count) => (count === 1 ? slow : undefined) },
    );
    expect(exchanges).toEqual([0, 1]);
    expect(got).toEqual([issue(1, 2), issue(1, 2), issue(1, 2)]);
  });

  it('exchanges anew after a failure, and aborts with its last subscriber', () => {
    const codes: string[] = [];
    let aborted = false;
    const { exchanges } = inTime(
      ({ exchange, at }) => {
        exchange.token$.subscribe({ error: (error: TinkerError) => codes.push(error.code) });
        at(1, () => exchange.token$.subscribe().unsubscribe());
        at(2, () => {
          exchange.token$.subscribe();
          exchange.stop();
        });
      },
      {
        server: (count) =>
          count === 0
            ? throwError(() => new TinkerError('connection_failed', 'no connection'))
            : count === 1
              ? new Observable(() => () => {
                  aborted = true;
                })
              : undefined,
      },
    );
    expect(codes).toEqual(['connection_failed']);
    expect(exchanges).toEqual([0, 1, 2]);
    expect(aborted).toBe(true);
  });

  it('keeps every token it had secret', () => {
    const seen: string[] = [];
    inTime(({ exchange, at, secrets }) => {
      exchange.token$.subscribe();
      at(1_400, () => {
        exchange.stop();
        seen.push(...[issue(0, 0), issue(1, 500), issue(2, 1_000)].map(secrets.redact));
      });
    });
    expect(seen).toEqual(['[secret]', '[secret]', '[secret]']);
  });
});
