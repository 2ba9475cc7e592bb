import {
  EMPTY,
  type Observable,
  type SchedulerLike,
  Subject,
  Subscription,
  catchError,
  defer,
  finalize,
  ignoreElements,
  map,
  of,
  retry,
  shareReplay,
  switchMap,
  tap,
  throwError,
  timer,
} from 'rxjs';
import * as s from '../wire/schema.js';
import { TinkerError } from '../errors.js';
import type { Logger } from '../log.js';
import type { Api, RetryPolicy } from '../transport/api.js';
import type { Random } from '../transport/random.js';
import type { Secrets } from '../transport/secrets.js';
import { jwtExpiry, jwtLifetime } from './jwt.js';

/** A token with less left, in milliseconds, is replaced before it is used. */
const LEAST_LEFT = 60_000;
/** Wait after a refresh that failed, and before that of a token that does not say how long it lasts. */
const RETRY_DELAY = 60_000;
/** The longest time that timers can wait. */
const LONGEST_TIMER = 2 ** 31 - 1;

const answerSchema = s.object({ jwt: s.string().check(s.minLength(1)) });

/** What a {@link TokenExchange} is made of. */
export interface TokenExchangeOptions {
  /** Sends with the caller's own key. */
  readonly api: Api;
  /** Time of expiry. */
  readonly scheduler: SchedulerLike;
  /** Time of refreshes; its timers do not keep the process alive. */
  readonly background: SchedulerLike;
  readonly random: Random;
  readonly log: Logger;
  readonly secrets: Secrets;
}

/**
 * Exchanges the caller's key for short-lived tokens: the first when one is asked for, then in the background at 0.45 to
 * 0.55 of its life, and on demand when 60 s or less are left.
 */
export class TokenExchange {
  /** Truly private: what is printed of a client must not show a key. */
  readonly #options: TokenExchangeOptions;
  #token: string | undefined;
  private exchanging: Observable<string> | undefined;
  private readonly renewed = new Subject<string>();
  private readonly refreshing = new Subscription();
  private started = false;

  constructor(options: TokenExchangeOptions) {
    this.#options = options;
  }

  /** A token that is good now; errors with those of the exchange where there is none. */
  readonly token$: Observable<string> = defer(() => {
    const token = this.#token;
    if (token !== undefined && this.left(token) > LEAST_LEFT) return of(token);
    // While the old token is good, nobody waits for an exchange that does not work.
    return this.exchange(token !== undefined && this.left(token) > 0 ? 'none' : 'standard').pipe(
      catchError((error: unknown) => {
        const isRefused = error instanceof TinkerError && error.code === 'unauthenticated';
        if (token === undefined || isRefused || this.left(token) <= 0) return throwError(() => error);
        this.#options.log.warn(`The access token could not be refreshed, the old one is still good: ${String(error)}`);
        return of(token);
      }),
    );
  });

  /** A token other than one that the server called invalid; one exchange for all who ask at the same time. */
  replace(rejected: string): Observable<string> {
    return defer(() => {
      const token = this.#token;
      return token === undefined || token === rejected ? this.exchange('standard') : of(token);
    });
  }

  /** Ends the refreshes in the background; tokens can still be had. */
  stop(): void {
    this.started = true;
    this.refreshing.unsubscribe();
  }

  private left(token: string): number {
    return (jwtExpiry(token) ?? 0) - this.#options.scheduler.now();
  }

  /** One exchange at a time, shared by all who wait for it. */
  private exchange(retries: RetryPolicy): Observable<string> {
    const { api, secrets } = this.#options;
    if (this.exchanging !== undefined) return this.exchanging;
    const exchanging = api
      .call({ method: 'POST', path: '/api/v1/auth/token', body: {}, schema: answerSchema, retry: retries })
      .pipe(
        map(({ jwt }) => jwt),
        tap((jwt) => {
          secrets.add(jwt);
          this.#token = jwt;
          // Who finds this token invalid as well must not get it once more.
          this.exchanging = undefined;
          this.keepFresh();
          this.renewed.next(jwt);
        }),
        finalize(() => {
          if (this.exchanging === exchanging) this.exchanging = undefined;
        }),
        shareReplay({ bufferSize: 1, refCount: true }),
      );
    this.exchanging = exchanging;
    return exchanging;
  }

  private keepFresh(): void {
    if (this.started) return;
    this.started = true;
    this.refreshing.add(this.renewed.pipe(switchMap((token) => this.refreshLater(token))).subscribe());
  }

  private refreshLater(token: string): Observable<never> {
    const { background, log, random } = this.#options;
    const lifetime = jwtLifetime(token);
    const delay = lifetime === undefined ? RETRY_DELAY : lifetime * (0.45 + 0.1 * random());
    return timer(Math.min(delay, LONGEST_TIMER), background).pipe(
      switchMap(() =>
        defer(() => this.exchange('none')).pipe(
          retry({
            delay: (error: unknown, failures) => {
              const isRefused = error instanceof TinkerError && error.code === 'unauthenticated';
              // Near the end the next request asks by itself, and hears why it is refused.
              if (isRefused && this.left(token) - RETRY_DELAY <= LEAST_LEFT) return throwError(() => error);
              const message = `The access token could not be refreshed; again in 60 s: ${String(error)}`;
              if (failures === 1) log.warn(message);
              else log.debug(message);
              return timer(RETRY_DELAY, background);
            },
          }),
        ),
      ),
      ignoreElements(),
      catchError((error: unknown) => {
        log.warn(`The access token is no longer refreshed in the background: ${String(error)}`);
        return EMPTY;
      }),
    );
  }
}
