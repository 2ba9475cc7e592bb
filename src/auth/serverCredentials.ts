import { EMPTY, type Observable, type SchedulerLike, defer, of, switchMap, take, tap, throwError } from 'rxjs';
import { TinkerError } from '../errors.js';
import type { Logger } from '../log.js';
import { Api } from '../transport/api.js';
import type { Credentials } from '../transport/credentials.js';
import type { Random } from '../transport/random.js';
import type { Secrets } from '../transport/secrets.js';
import type { ClientConfig } from '../wire/index.js';
import { isJwt, jwtClaims } from './jwt.js';
import { commandKey, staticKey } from './keySources.js';
import { TokenExchange } from './tokenExchange.js';

/** What the caller has: a key, a command that prints one, or neither. */
export interface KeyOptions {
  readonly apiKey?: string;
  readonly credentialCommand?: string;
}

/** What {@link ServerCredentials} are made of. */
export interface ServerCredentialsOptions extends KeyOptions {
  /** Makes an Api that sends with other credentials. */
  readonly api: (credentials: Credentials) => Api;
  /** Asks the server for its flags, by an Api that sends with the caller's own key. */
  readonly flags: (api: Api) => Observable<ClientConfig>;
  readonly scheduler: SchedulerLike;
  readonly background: SchedulerLike;
  readonly random: Random;
  readonly log: Logger;
  readonly secrets: Secrets;
}

/**
 * The key of each request: the caller's own, or a token in its place where the server's flags say that it exchanges
 * them. Nothing is asked of the server where the caller has no key.
 */
export class ServerCredentials implements Credentials {
  /** Truly private: what is printed of a client must not show a key. */
  readonly #options: ServerCredentialsOptions;
  /** The server's flags; they are asked for with the caller's own key, before anything else. */
  readonly flags$: Observable<ClientConfig>;
  private readonly exchange: TokenExchange;
  private flags: ClientConfig | undefined;

  constructor(options: ServerCredentialsOptions) {
    this.#options = options;
    const { api, flags, secrets, apiKey } = options;
    if (apiKey !== undefined) secrets.add(apiKey);
    this.flags$ = flags(api(this.fixed(this.ownKey(false)))).pipe(tap((answer) => (this.flags = answer)));
    const exchangeKey = defer(() => this.flags$).pipe(
      take(1),
      switchMap((answer) => this.ownKey(answer.credentialDefaultSource === 'credential_cmd')),
    );
    this.exchange = new TokenExchange({ ...options, api: api(this.fixed(exchangeKey)) });
  }

  readonly redact = (text: string): string => this.#options.secrets.redact(text);

  /** A plain key, once it is known that the server exchanges none. */
  readonly known = (): { readonly key: string | undefined } | undefined => {
    const { apiKey, credentialCommand } = this.#options;
    if (apiKey === undefined) return credentialCommand === undefined ? { key: undefined } : undefined;
    return this.flags?.pjwtAuthEnabled === false && !isJwt(apiKey) ? { key: apiKey } : undefined;
  };

  /** The key of the next request. */
  readonly key$: Observable<string | undefined> = defer(() => {
    const { apiKey, credentialCommand, scheduler } = this.#options;
    if (apiKey === undefined && credentialCommand === undefined) return of(undefined);
    return this.flags$.pipe(
      take(1),
      switchMap((flags) => {
        if (flags.pjwtAuthEnabled) return this.exchange.token$;
        return apiKey === undefined ? throwError(() => needsKey()) : staticKey(apiKey, scheduler);
      }),
    );
  });

  /** A token that tells who the caller is; errors with `unauthenticated` where there is none. */
  readonly identityToken$: Observable<string> = defer(() => {
    const { apiKey, credentialCommand } = this.#options;
    if (apiKey === undefined && credentialCommand === undefined) return throwError(() => noIdentity());
    return this.flags$.pipe(
      take(1),
      switchMap((flags) => {
        if (flags.pjwtAuthEnabled) return this.exchange.token$;
        const issuer = apiKey === undefined ? undefined : jwtClaims(apiKey)?.iss;
        const isIssued = typeof issuer === 'string' && issuer.startsWith('passport-');
        return apiKey !== undefined && isIssued ? of(apiKey) : throwError(() => noIdentity());
      }),
    );
  });

  replace(rejected: string): Observable<string> {
    return rejected === this.#options.apiKey ? EMPTY : this.exchange.replace(rejected);
  }

  /** Ends the refreshes in the background. */
  stop(): void {
    this.exchange.stop();
  }

  private ownKey(commandOnly: boolean): Observable<string | undefined> {
    const { apiKey, credentialCommand, scheduler, secrets } = this.#options;
    if (apiKey !== undefined && (!commandOnly || isJwt(apiKey))) return staticKey(apiKey, scheduler);
    if (credentialCommand !== undefined) return commandKey(credentialCommand, scheduler, secrets);
    return commandOnly ? throwError(() => needsCommand()) : of(undefined);
  }

  private fixed(key$: Observable<string | undefined>): Credentials {
    return { key$, replace: () => EMPTY, redact: this.redact };
  }
}

function needsKey(): TinkerError {
  return new TinkerError(
    'invalid_config',
    'This server takes API keys alone, and TINKER_CREDENTIAL_CMD gives none. Set TINKER_API_KEY or pass { apiKey }.',
  );
}

function needsCommand(): TinkerError {
  return new TinkerError(
    'invalid_config',
    'This server asks for keys that end soon. Set TINKER_CREDENTIAL_CMD to a command that prints one.',
  );
}

function noIdentity(): TinkerError {
  return new TinkerError(
    'unauthenticated',
    'Expected a token that tells who the caller is, got a plain API key or none, and a server that exchanges no keys.',
  );
}
