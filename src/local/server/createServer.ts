import {
  catchError,
  defer,
  firstValueFrom,
  forkJoin,
  map,
  merge,
  of,
  race,
  Subject,
  switchMap,
  take,
  throwError,
  timer,
  type Observable,
} from 'rxjs';
import type { Engine } from '../engine/engine.js';
import { cleanLog } from './cleanLog.js';
import type { Clock } from './clock.js';
import { decompressBody } from './codec/decompressBody.js';
import { cryptoRandom } from './cryptoRandom.js';
import { Downloads } from './downloads.js';
import { endSession } from './endSession.js';
import { errorResponse } from './errorResponse.js';
import { memoryStorage } from './memoryStorage.js';
import type { Random } from './random.js';
import { refusal } from './refusal.js';
import type { Server } from './server.js';
import type { TellServerEvent } from './serverEvent.js';
import { defaultLimits, type ServerLimits } from './serverLimits.js';
import type { ServerLog } from './serverLog.js';
import type { ServerRequest } from './serverRequest.js';
import type { ServerResponse } from './serverResponse.js';
import type { Storage } from './storage.js';
import { systemClock } from './systemClock.js';
import { findTenant, openTenants, type SharedState, type Tenant } from './tenant.js';

/** What a server is made of; all but the engine have a default. */
export interface ServerOptions {
  readonly engine: Engine;
  /** Where checkpoints are kept. Default: in memory. */
  readonly storage?: Storage;
  /** Default: real time. */
  readonly clock?: Clock;
  /** Default: the platform's secure random numbers. */
  readonly random?: Random;
  /** Default: none. */
  readonly log?: ServerLog;
  /** Told what happens: models, their calls, metrics, checkpoints and samples. Default: nobody. */
  readonly tell?: TellServerEvent;
  readonly limits?: Partial<ServerLimits>;
  /** The key that every request must carry as `x-api-key`. Default: none needed. */
  readonly apiKey?: string;
  /** Further keys. Each key has sessions, models and checkpoints of its own and sees no others. */
  readonly apiKeys?: readonly string[];
  /** Reads the engine's tokenizer files. Default: from the file system. */
  readonly readFile?: (path: string) => Promise<Uint8Array>;
}

/**
 * Makes the embedded server: sessions, models, promises, checkpoints and samplers over an engine.
 *
 * @throws TinkerError `server_error` when the storage can't be read, `invalid_config` for an empty key.
 */
export async function createServer(options: ServerOptions): Promise<Server> {
  const keys = [...(options.apiKey === undefined ? [] : [options.apiKey]), ...(options.apiKeys ?? [])];
  const shared = sharedState(options, keys);
  const tenants = await openTenants(shared, options.storage ?? memoryStorage(), keys);
  const closed$ = new Subject<never>();
  let closing: Promise<void> | undefined;

  const answer = (request: ServerRequest): Observable<ServerResponse> => {
    const tenant = findTenant(tenants, request);
    if (tenant === undefined) return throwError(() => needsKey());
    if (closing !== undefined) return throwError(() => shuttingDown());
    const answer$ = decompressBody(request, shared.limits.bodyBytes).pipe(switchMap((plain) => tenant.route(plain)));
    return merge(answer$, closed$).pipe(take(1));
  };

  return {
    needsKey: keys.length > 0,
    bodyBytes: shared.limits.bodyBytes,
    admits: (request) => findTenant(tenants, request) !== undefined,
    handle: (request) =>
      defer(() => answer(request)).pipe(
        catchError((error: unknown) => {
          const response = errorResponse(error);
          if (response.status === 500) {
            shared.log('error', `${request.method} ${request.path} failed: ${String(error)}`);
          }
          return of(response);
        }),
        map((response) => withLength(response)),
      ),
    close: () => {
      closing ??= close(shared, tenants, closed$);
      return closing;
    },
  };
}

function sharedState(options: ServerOptions, keys: readonly string[]): SharedState {
  const clock = options.clock ?? systemClock;
  const random = options.random ?? cryptoRandom;
  return {
    engine: options.engine,
    clock,
    random,
    log: cleanLog(options.log ?? (() => undefined), keys),
    tell: options.tell ?? (() => undefined),
    isWatched: options.tell !== undefined,
    limits: { ...defaultLimits, ...options.limits },
    readFile: options.readFile ?? (async (path) => (await import('node:fs/promises')).readFile(path)),
    vocabularies: new Map(),
    downloads: new Downloads(clock, random),
  };
}

async function close(shared: SharedState, tenants: readonly Tenant[], closed$: Subject<never>): Promise<void> {
  closed$.error(shuttingDown());
  for (const { state } of tenants)
    for (const session of [...state.sessions.values()]) endSession(state, session, 'the server was stopped', 'fail');
  const idle$ = forkJoin(tenants.map(({ state }) => state.promises.idle$()));
  await firstValueFrom(race(idle$, timer(shared.limits.closeMs, shared.clock.scheduler)), { defaultValue: 0 });
}

function needsKey(): Error {
  return refusal(401, 'Expected an API key of this server in the header X-API-Key.');
}

function shuttingDown(): Error {
  return refusal(503, 'The server is shutting down.');
}

function withLength(response: ServerResponse): ServerResponse {
  return { ...response, headers: { ...response.headers, 'content-length': String(response.body.byteLength) } };
}
