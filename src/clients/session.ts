import {
  EMPTY,
  type Observable,
  ReplaySubject,
  Subject,
  catchError,
  defer,
  exhaustMap,
  filter,
  ignoreElements,
  interval,
  map,
  merge,
  of,
  shareReplay,
  switchMap,
  takeUntil,
  tap,
  throwError,
} from 'rxjs';
import { TinkerError } from '../errors.js';
import type { ClientConfig } from '../wire/clientConfig.js';
import type { PassFormat } from '../wire/codec.js';
import type { SpareMemory } from '../wire/proto/spareMemory.js';
import { sessionSchema } from '../wire/session.js';
import { WireFormat } from '../wire/wireFormat.js';
import { backgroundScheduler } from '../transport/backgroundScheduler.js';
import type { Connection } from './connection.js';
import { finishAtExit } from './finishAtExit.js';
import { SDK_VERSION } from './version.js';

/** What a session is made with. */
export interface SessionOptions {
  readonly tags: readonly string[];
  readonly userMetadata: Readonly<Record<string, string>>;
  readonly projectId?: string;
  readonly displayName?: string;
  readonly heartbeatIntervalMs: number;
  readonly passFormat?: PassFormat;
  /** Of bodies that were sent; none where a transport may keep them. */
  readonly memory?: SpareMemory;
}

/** How a session ended, as the server keeps it. */
export type SessionEnd = 'success' | 'errored' | 'interrupted';

/** Silence of the server after which each failed heartbeat is a warning, in milliseconds. */
const SILENCE_WORTH_A_WARNING = 120_000;
const HEARTBEAT_TIMEOUT = 10_000;
/** A heartbeat that begins so much late tells that nothing could run meanwhile, in milliseconds. */
const BLOCKED_WORTH_A_WARNING = 10_000;

/** The server's session of one ServiceClient: made at the first use, kept alive by heartbeats, finished at close. */
export class Session {
  private id: string | undefined;
  private modelCount = 0;
  private samplerCount = 0;
  private lossCount = 0;
  /** Replays, so that a session made after the end gets no heartbeat. */
  private readonly ended = new ReplaySubject<void>(1);
  private readonly lost = new Subject<string>();

  /** Whether passes are sent as protobuf or as JSON; decided once. */
  readonly wireFormat: WireFormat;
  /** The server's flags. */
  readonly flags$: Observable<ClientConfig>;
  /** The session's id; made once and again when the server lost it, a failure is tried again by the next subscriber. */
  readonly id$: Observable<string>;
  private made: Observable<string> | undefined;
  /** Sessions of other clients that are kept alive. */
  private readonly kept = new Set<string>();
  private forgetAtExit: () => void = () => undefined;

  constructor(
    private readonly connection: Connection,
    private readonly options: SessionOptions,
  ) {
    this.wireFormat = new WireFormat(connection.log, options.passFormat, options.memory);
    this.flags$ = connection.flags$;
    this.id$ = defer(
      () =>
        (this.made ??= this.flags$.pipe(
          switchMap(() => this.create()),
          shareReplay({ bufferSize: 1, refCount: false }),
        )),
    );
  }

  /** The session's id once it was made. */
  get currentId(): string | undefined {
    return this.id;
  }

  /** Does something with the session, once more with a new one if the server has lost the old one. */
  use<T>(call: (sessionId: string) => Observable<T>): Observable<T> {
    return defer(() => {
      const known = this.id;
      return this.id$.pipe(
        switchMap((id) =>
          call(id).pipe(
            catchError((error: unknown) => {
              if (id !== known || !isLost(error)) return throwError(() => error);
              // A 404 may mean the model or the checkpoint that was asked for; only the session itself can tell.
              return this.isGone(id).pipe(
                switchMap((gone) => {
                  if (!gone) return throwError(() => error);
                  this.forget(id);
                  return this.id$.pipe(switchMap(call));
                }),
              );
            }),
          ),
        ),
      );
    });
  }

  nextModelSeqId(): number {
    return this.modelCount++;
  }

  nextSamplingSessionSeqId(): number {
    return this.samplerCount++;
  }

  nextCustomLossSeqId(): number {
    return this.lossCount++;
  }

  /** Keeps another client's session alive too, as long as this one is not stopped. */
  keepAlive(sessionId: string): void {
    if (sessionId === this.id || this.kept.has(sessionId)) return;
    this.kept.add(sessionId);
    this.beat(sessionId);
  }

  /** Stops the heartbeat. */
  stop(): void {
    this.forgetAtExit();
    this.ended.next();
    this.ended.complete();
  }

  /** Stops the heartbeat and tells the server; completes when it answered, failed to, or 5 s passed. */
  finish(reason: SessionEnd, detail?: string): Observable<never> {
    return defer(() => {
      this.stop();
      if (this.id === undefined) return EMPTY;
      return this.connection.api
        .call({
          method: 'POST',
          path: `/api/v1/sessions/${this.id}/finish`,
          body: { reason: { type: reason }, detail: detail ?? null },
          read: () => undefined,
          retry: 'none',
          timeoutMs: 5_000,
        })
        .pipe(
          catchError((error: unknown) => {
            this.connection.log.debug(`The session could not be finished: ${String(error)}`);
            return EMPTY;
          }),
          ignoreElements(),
        );
    });
  }

  private isGone(id: string): Observable<boolean> {
    return this.heartbeat(id).pipe(
      map(() => false),
      catchError((error: unknown) => of(isLost(error))),
    );
  }

  private heartbeat(id: string): Observable<undefined> {
    return this.connection.api.call({
      method: 'POST',
      path: '/api/v1/session_heartbeat',
      body: { session_id: id, type: 'session_heartbeat' },
      read: () => undefined,
      pool: 'heartbeat',
      retry: 'none',
      timeoutMs: HEARTBEAT_TIMEOUT,
    });
  }

  /** Ends the heartbeat of a session that the server no longer has; the next use makes a new one. */
  private forget(id: string): void {
    this.lost.next(id);
    this.kept.delete(id);
    if (this.id !== id) return;
    this.id = undefined;
    this.made = undefined;
  }

  private create(): Observable<string> {
    const { api, log } = this.connection;
    const { tags, userMetadata, projectId, displayName } = this.options;
    return api
      .call({
        method: 'POST',
        path: '/api/v1/create_session',
        body: {
          tags,
          user_metadata: userMetadata,
          sdk_version: SDK_VERSION,
          ...(projectId !== undefined && { project_id: projectId }),
          ...(displayName !== undefined && { display_name: displayName }),
          type: 'create_session',
        },
        schema: sessionSchema,
        retry: 'standard',
      })
      .pipe(
        tap((session) => {
          if (session.infoMessage !== undefined) log.info(session.infoMessage);
          if (session.warningMessage !== undefined) log.warn(session.warningMessage);
          if (session.errorMessage !== undefined) log.error(session.errorMessage);
          this.id = session.sessionId;
          this.beat(session.sessionId);
          // Virtual time ends with its test, not with the process.
          if (this.connection.background === backgroundScheduler) this.forgetAtExit = finishAtExit(this);
        }),
        map((session) => session.sessionId),
      );
  }

  private beat(sessionId: string): void {
    const { log, background } = this.connection;
    const { heartbeatIntervalMs } = this.options;
    if (heartbeatIntervalMs === Infinity) return;
    let lastAnswer = background.now();
    let due = lastAnswer + heartbeatIntervalMs;
    interval(heartbeatIntervalMs, background)
      .pipe(
        tap(() => {
          const lateMs = background.now() - due;
          due = background.now() + heartbeatIntervalMs;
          if (lateMs < BLOCKED_WORTH_A_WARNING) return;
          log.warn(
            `The event loop of this process was blocked for ${String(Math.round(lateMs / 1000))} s, or the machine slept: ` +
              `no heartbeat of session ${sessionId} was sent. The server drops a session after some 300 s without one; ` +
              'move long computations to a worker.',
          );
        }),
        exhaustMap(() =>
          this.heartbeat(sessionId).pipe(
            tap(() => {
              lastAnswer = background.now();
            }),
            catchError((error: unknown) => {
              if (isLost(error)) {
                log.info(`Session ${sessionId} has finished; its heartbeat stops.`);
                this.forget(sessionId);
              } else if (background.now() - lastAnswer > SILENCE_WORTH_A_WARNING) {
                const seconds = Math.round((background.now() - lastAnswer) / 1000);
                log.warn(
                  `No heartbeat of session ${sessionId} was answered for ${String(seconds)} s; ` +
                    `the server may drop it. Last error: ${String(error)}`,
                );
              }
              return EMPTY;
            }),
          ),
        ),
        takeUntil(merge(this.ended, this.lost.pipe(filter((id) => id === sessionId)))),
      )
      .subscribe();
  }
}

/** True where the server says that there is no such session (any more). */
function isLost(error: unknown): boolean {
  return error instanceof TinkerError && (error.details.status === 404 || error.details.status === 410);
}
