import {
  BehaviorSubject,
  EMPTY,
  type Observable,
  Subject,
  catchError,
  filter,
  finalize,
  ignoreElements,
  switchMap,
  take,
  of,
} from 'rxjs';
import { HOSTED_BASE_URL, type ResolvedConfig } from '../config.js';
import { type Tokenizer, loadTokenizer, tokenizerId } from '../tokenizer/index.js';
import { limitConcurrency } from '../transport/limitConcurrency.js';
import { uuid } from '../transport/random.js';
import type { Connection } from './connection.js';
import { DynamicFlags } from './dynamicFlags.js';
import { SampleDispatch } from './sampleDispatch.js';
import type { ServiceContext } from './serviceContext.js';
import type { ServiceOptions } from './serviceOptions.js';
import { Session } from './session.js';
import { Telemetry } from './telemetry.js';
import { SpareMemory } from '../wire/proto/spareMemory.js';
import { UploadedLosses } from './uploadedLosses.js';

/** Puts together what the clients of one service share. */
export function makeServiceContext(
  config: ResolvedConfig,
  connection: Connection,
  options: ServiceOptions,
): ServiceContext {
  const { log, random } = connection;
  const session = new Session(connection, {
    tags: config.tags,
    userMetadata: options.userMetadata ?? {},
    ...(config.projectId !== undefined && { projectId: config.projectId }),
    ...(options.displayName !== undefined && { displayName: options.displayName }),
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? 10_000,
    ...(options.passFormat !== undefined && { passFormat: options.passFormat }),
    // A transport of the user's may keep a body, or a server in this process.
    ...(options.transport === undefined && { memory: new SpareMemory() }),
  });
  const unfinished = new BehaviorSubject(0);
  const count = (change: number): void => {
    unfinished.next(unfinished.value + change);
  };
  let dispatch: SampleDispatch | undefined;
  let cancels: ReturnType<ServiceContext['limitCancels']> | undefined;
  return {
    connection,
    baseUrl: config.baseUrl,
    session,
    telemetry: new Telemetry(connection, config.telemetry, () => session.currentId, uuid(random)),
    dynamicFlags: new DynamicFlags(connection.api, connection.scheduler, log),
    uploadedLosses: new UploadedLosses(connection, session),
    dispatchOf: (flags) =>
      (dispatch ??= new SampleDispatch(flags.sampleDispatchBytesSemaphoreSize, connection.scheduler)),
    limitCancels: (limit) => (cancels ??= limitConcurrency(limit)),
    queueWarningIntervalMs: options.queueWarningIntervalMs ?? 60_000,
    models: new Set(),
    trainingClients: new Subject(),
    tokenizer: tokenizers(connection, config.baseUrl),
    finishLater(work) {
      count(1);
      work
        .pipe(
          catchError((error: unknown) => {
            log.warn(`What was left to do failed: ${String(error)}`);
            return EMPTY;
          }),
          finalize(() => {
            count(-1);
          }),
        )
        .subscribe();
    },
    finishing: () =>
      unfinished.pipe(
        filter((left) => left === 0),
        take(1),
        ignoreElements(),
      ),
  };
}

/** Finds tokenizers: the server's own first, and each id once. */
function tokenizers({ api, scheduler }: Connection, baseUrl: string): ServiceContext['tokenizer'] {
  const found = new Map<string, Observable<Tokenizer>>();
  const file = (path: string): Observable<Uint8Array> =>
    api.callRaw({ method: 'GET', path }).pipe(switchMap(({ status, body }) => (status === 200 ? of(body) : EMPTY)));
  return ({ modelName, info }, load) => {
    const id = tokenizerId(modelName, info?.modelData);
    if (load !== undefined) return load(id);
    // Our servers ship their models' tokenizers; the hosted service does not, so it is not asked.
    const byRule = baseUrl.startsWith(new URL(HOSTED_BASE_URL).origin)
      ? undefined
      : `/api/v1/tokenizers/${modelName}/tokenizer.json`;
    const path = info?.modelData.tokenizerUrl ?? byRule;
    const key = `${id} ${path ?? ''}`;
    const known = found.get(key);
    if (known !== undefined) return known;
    const loading = loadTokenizer(id, { scheduler, ...(path !== undefined && { fromServer: file(path) }) });
    found.set(key, loading);
    return loading;
  };
}
