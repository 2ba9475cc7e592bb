import {
  type Observable,
  type SchedulerLike,
  catchError,
  defer,
  finalize,
  of,
  shareReplay,
  tap,
  throwError,
} from 'rxjs';
import { TinkerError } from '../errors.js';
import type { Logger } from '../log.js';
import type { Api } from '../transport/api.js';
import { type DynamicConfig, defaultDynamicConfig, dynamicConfigSchema } from '../wire/index.js';
import { SDK_VERSION } from './version.js';

const REFRESH_TIMEOUT = 10_000;

/**
 * The server's flags that may change while a client runs: asked for when they are first needed, and again when they are
 * needed and older than the server says they may be. A refresh that fails leaves them as they are.
 */
export class DynamicFlags {
  private known: DynamicConfig | undefined;
  private askedAt = 0;
  private asking: Observable<DynamicConfig> | undefined;

  constructor(
    private readonly api: Api,
    private readonly scheduler: SchedulerLike,
    private readonly log: Logger,
  ) {}

  /** Emits them once and completes; errors where the first request fails, but not for a server that has none. */
  readonly current$: Observable<DynamicConfig> = defer(() => {
    const { known } = this;
    if (known !== undefined && this.scheduler.now() - this.askedAt < known.refreshIntervalSec * 1000) return of(known);
    return this.ask(known);
  });

  private ask(known: DynamicConfig | undefined): Observable<DynamicConfig> {
    this.asking ??= defer(() => {
      this.askedAt = this.scheduler.now();
      return this.api.call({
        method: 'POST',
        path: '/api/v1/client/dynamic_config',
        body: { sdk_version: SDK_VERSION },
        schema: dynamicConfigSchema,
        ...(known === undefined ? { retry: 'standard' } : { retry: 'none', timeoutMs: REFRESH_TIMEOUT }),
      });
    }).pipe(
      catchError((error: unknown) => {
        if (known !== undefined) {
          this.log.debug(`The server's flags could not be refreshed: ${String(error)}`);
          return of(known);
        }
        const hasNone = error instanceof TinkerError && error.code === 'not_found';
        return hasNone ? of(defaultDynamicConfig) : throwError(() => error);
      }),
      tap((flags) => {
        this.known = flags;
      }),
      finalize(() => {
        this.asking = undefined;
      }),
      shareReplay({ bufferSize: 1, refCount: true }),
    );
    return this.asking;
  }
}
