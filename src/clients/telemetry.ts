import {
  EMPTY,
  type Observable,
  Subscription,
  catchError,
  concatMap,
  defer,
  from,
  ignoreElements,
  interval,
} from 'rxjs';
import type { Connection } from './connection.js';
import { SDK_VERSION } from './version.js';

/** An event for the server's operators: names and numbers, never a key, a prompt or a path. */
export interface TelemetryEvent {
  readonly name: string;
  readonly severity?: 'debug' | 'info' | 'warning' | 'error' | 'critical';
  readonly data?: Readonly<Record<string, string | number | boolean>>;
}

const BATCH = 100;
const LONGEST_QUEUE = 10_000;
const FLUSH_INTERVAL = 10_000;

/** Sends events to the server in batches; off unless asked for, and then every call does nothing. */
export class Telemetry {
  private queue: object[] = [];
  private index = 0;
  private readonly flushing = new Subscription();

  constructor(
    private readonly connection: Connection,
    readonly enabled: boolean,
    private readonly sessionId: () => string | undefined,
    private readonly processId: string,
  ) {
    if (!enabled) return;
    this.flushing.add(
      interval(FLUSH_INTERVAL, connection.background)
        .pipe(concatMap(() => this.flush()))
        .subscribe(),
    );
  }

  /** Queues an event; the oldest are dropped beyond 10,000. */
  log(event: TelemetryEvent): void {
    if (!this.enabled) return;
    this.queue.push({
      event: 'GENERIC_EVENT',
      event_id: `${this.processId}-${String(this.index)}`,
      event_session_index: this.index++,
      severity: (event.severity ?? 'info').toUpperCase(),
      timestamp: new Date(this.connection.scheduler.now()).toISOString(),
      event_name: event.name,
      event_data: event.data ?? {},
    });
    if (this.queue.length > LONGEST_QUEUE) this.queue = this.queue.slice(-LONGEST_QUEUE);
  }

  /** Sends what is queued; completes when the server took it. A batch that fails is dropped. */
  flush(): Observable<never> {
    return defer(() => {
      const events = this.queue;
      this.queue = [];
      const batches = Array.from({ length: Math.ceil(events.length / BATCH) }, (_, i) =>
        events.slice(i * BATCH, (i + 1) * BATCH),
      );
      return from(batches).pipe(concatMap((batch) => this.send(batch)));
    });
  }

  /** Stops the regular sending. */
  stop(): void {
    this.flushing.unsubscribe();
  }

  private send(events: readonly object[]): Observable<never> {
    const { api, log } = this.connection;
    return api
      .call({
        method: 'POST',
        path: '/api/v1/telemetry',
        body: {
          events,
          platform: 'node',
          sdk_version: SDK_VERSION,
          session_id: this.sessionId() ?? `sessionless-${this.processId}`,
          process_uuid: this.processId,
        },
        read: () => undefined,
        pool: 'heartbeat',
        retry: 'none',
        timeoutMs: 5_000,
      })
      .pipe(
        ignoreElements(),
        catchError((error: unknown) => {
          log.debug(`Telemetry was dropped: ${String(error)}`);
          return EMPTY;
        }),
      );
  }
}
