import { type MonoTypeOperatorFunction, type Observable, asyncScheduler, switchMap, take, tap } from 'rxjs';
import { byteBudget } from '../../operators/byteBudget.js';
import { isJwt, jwtExpiry } from '../auth/jwt.js';
import { ServerCredentials } from '../auth/serverCredentials.js';
import { type ResolvedConfig, isHosted } from '../config.js';
import { TinkerError } from '../errors.js';
import { consoleLogger } from '../log.js';
import { Api } from '../transport/api.js';
import type { Credentials } from '../transport/credentials.js';
import { cryptoRandom } from '../transport/random.js';
import { Secrets } from '../transport/secrets.js';
import type { Transport } from '../transport/transport.js';
import type { ClientConfig } from '../wire/index.js';
import { backgroundScheduler } from '../transport/backgroundScheduler.js';
import type { Connection } from './connection.js';
import { serverFlags } from './serverFlags.js';
import type { ServiceOptions } from './serviceOptions.js';
import { SDK_VERSION } from './version.js';

/**
 * Puts together what reaches a server, with no session of its own.
 *
 * @throws TinkerError `invalid_config` for a token of the hosted service that does not say when it ends
 */
export function makeConnection(config: ResolvedConfig, transport: Transport, options: ServiceOptions): Connection {
  const { apiKey, credentialCommand, headers } = config;
  if (apiKey !== undefined && isHosted(config.baseUrl) && isJwt(apiKey) && jwtExpiry(apiKey) === undefined) {
    throw new TinkerError(
      'invalid_config',
      'Expected a key that starts with eyJ to be a token that says when it ends, got another. Check TINKER_API_KEY.',
    );
  }
  const { random = cryptoRandom, scheduler = asyncScheduler } = options;
  const background = options.scheduler ?? backgroundScheduler;
  const secrets = new Secrets();
  const log = secrets.logger(options.log ?? consoleLogger(config.logLevel));
  const deadlines = {
    sendDeadlineMs: options.sendDeadlineMs ?? 300_000,
    silenceDeadlineMs: options.silenceDeadlineMs ?? 300_000,
    billingPauseMs: 3_600_000,
  };
  const billingPauseMs = (): number => deadlines.billingPauseMs;
  const api = (credentials: Credentials): Api =>
    new Api({ transport, credentials, headers, scheduler, random, log, billingPauseMs, sdkVersion: SDK_VERSION });
  const credentials = new ServerCredentials({
    ...(apiKey !== undefined && { apiKey }),
    ...(credentialCommand !== undefined && { credentialCommand }),
    api,
    flags: (own) =>
      serverFlags(own).pipe(
        tap((flags) => {
          deadlines.billingPauseMs = flags.billingExceptionMaxPauseDurationSec * 1000;
        }),
      ),
    scheduler,
    background,
    random,
    log,
    secrets,
  });
  return {
    api: api(credentials),
    credentials,
    flags$: credentials.flags$,
    responseBudget: responseBudget(credentials.flags$),
    log,
    scheduler,
    background,
    random,
    deadlines,
    active: new Set(),
    closed: undefined,
    tracer: options.tracer,
  };
}

/** One budget of bytes for all answers, as large as the server's flags say. */
function responseBudget(flags$: Observable<ClientConfig>): Connection['responseBudget'] {
  let budget: (<T>(bytes: number) => MonoTypeOperatorFunction<T>) | undefined;
  return (bytes) => (source) =>
    flags$.pipe(
      take(1),
      switchMap(({ inflightResponseBytesSemaphoreSize: limit }) => {
        budget ??= byteBudget({ limit, cost: (size: number) => size });
        return source.pipe(budget(bytes));
      }),
    );
}
