import {
  catchError,
  defer,
  firstValueFrom,
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
import { BoundedMap } from './boundedMap.js';
import { CheckpointStore } from './checkpointStore.js';
import type { Clock } from './clock.js';
import { decompressBody } from './codec/decompressBody.js';
import { constantTimeEqual } from './constantTimeEqual.js';
import { cryptoRandom } from './cryptoRandom.js';
import { endSession } from './endSession.js';
import { errorResponse } from './errorResponse.js';
import { memoryStorage } from './memoryStorage.js';
import { PromiseStore } from './promiseStore.js';
import type { Random } from './random.js';
import { refusal } from './refusal.js';
import { router } from './router.js';
import { checkpointRoutes } from './routes/checkpointRoutes.js';
import { clientRoutes } from './routes/clientRoutes.js';
import { futureRoutes } from './routes/futureRoutes.js';
import { modelRoutes } from './routes/modelRoutes.js';
import { samplingRoutes } from './routes/samplingRoutes.js';
import { saveForSamplerRoute } from './routes/saveForSamplerRoute.js';
import { sessionRoutes } from './routes/sessionRoutes.js';
import { trainingRoutes } from './routes/trainingRoutes.js';
import { weightsRoutes } from './routes/weightsRoutes.js';
import type { Server } from './server.js';
import { defaultLimits, type ServerLimits } from './serverLimits.js';
import type { ServerLog } from './serverLog.js';
import type { ServerRequest } from './serverRequest.js';
import type { ServerResponse } from './serverResponse.js';
import type { ServerState } from './serverState.js';
import type { Storage } from './storage.js';
import { systemClock } from './systemClock.js';

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
  readonly limits?: Partial<ServerLimits>;
  /** The key that every request must carry as `x-api-key`. Default: none needed. */
  readonly apiKey?: string;
  /** Reads the engine's tokenizer files. Default: from the file system. */
  readonly readFile?: (path: string) => Promise<Uint8Array>;
}

/**
 * Makes the embedded server: sessions, models, promises, checkpoints and samplers over an engine.
 *
 * @throws TinkerError `server_error` when the storage can't be read.
 */
export async function createServer(options: ServerOptions): Promise<Server> {
  const state = await openState(options);
  const route = router([
    ...clientRoutes(state),
    ...sessionRoutes(state),
    ...modelRoutes(state),
    ...trainingRoutes(state),
    ...weightsRoutes(state),
    saveForSamplerRoute(state),
    ...samplingRoutes(state),
    ...futureRoutes(state),
    ...checkpointRoutes(state),
  ]);
  const closed$ = new Subject<never>();
  let closing: Promise<void> | undefined;

  const answer = (request: ServerRequest): Observable<ServerResponse> => {
    if (closing !== undefined) return throwError(() => shuttingDown());
    if (options.apiKey !== undefined && !constantTimeEqual(options.apiKey, request.headers['x-api-key'] ?? '')) {
      return throwError(() => refusal(401, 'Expected the API key of this server in the header X-API-Key.'));
    }
    const answer$ = decompressBody(request, state.limits.bodyBytes).pipe(switchMap((plain) => route(plain)));
    return merge(answer$, closed$).pipe(take(1));
  };

  return {
    needsKey: options.apiKey !== undefined,
    bodyBytes: state.limits.bodyBytes,
    handle: (request) =>
      defer(() => answer(request)).pipe(
        catchError((error: unknown) => {
          const response = errorResponse(error);
          if (response.status === 500) state.log('error', `${request.method} ${request.path} failed: ${String(error)}`);
          return of(response);
        }),
        map((response) => withLength(response)),
      ),
    close: () => {
      closing ??= close(state, closed$);
      return closing;
    },
  };
}

async function openState(options: ServerOptions): Promise<ServerState> {
  const clock = options.clock ?? systemClock;
  const random = options.random ?? cryptoRandom;
  const log = options.log ?? (() => undefined);
  const limits = { ...defaultLimits, ...options.limits };
  const storage = options.storage ?? memoryStorage();
  return {
    engine: options.engine,
    clock,
    random,
    log,
    limits,
    readFile: options.readFile ?? (async (path) => (await import('node:fs/promises')).readFile(path)),
    vocabularies: new Map(),
    promises: new PromiseStore({ clock, limits, log, run: random.id() }),
    checkpoints: await CheckpointStore.open({ storage, clock, log }),
    sessions: new Map(),
    models: new Map(),
    samplers: new Map(),
    endedSessions: new BoundedMap(10_000),
    goneModels: new BoundedMap(10_000),
    runs: new BoundedMap(10_000),
  };
}

async function close(state: ServerState, closed$: Subject<never>): Promise<void> {
  closed$.error(shuttingDown());
  for (const session of [...state.sessions.values()]) endSession(state, session, 'the server was stopped', 'fail');
  await firstValueFrom(race(state.promises.idle$(), timer(state.limits.closeMs, state.clock.scheduler)), {
    defaultValue: 0,
  });
}

function shuttingDown(): Error {
  return refusal(503, 'The server is shutting down.');
}

function withLength(response: ServerResponse): ServerResponse {
  return { ...response, headers: { ...response.headers, 'content-length': String(response.body.byteLength) } };
}
