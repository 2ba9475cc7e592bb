import { type Observable, map, tap } from 'rxjs';
import { debounceQueueState } from '../../operators/debounceQueueState.js';
import type { QueueState } from './operationProgress.js';
import type { ServiceContext } from './serviceContext.js';

/** What is paused. */
export interface PausedWork {
  readonly kind: 'training' | 'sampling';
  /** Of the model or the sampling session. */
  readonly id: string;
}

/** Logs a warning when work is paused on the server, at most one in `queueWarningIntervalMs`. */
export function warnOfPauses(states$: Observable<QueueState>, { kind, id }: PausedWork, service: ServiceContext): void {
  const { log, background } = service.connection;
  states$
    .pipe(
      map((state) => ({ modelId: id, ...state })),
      debounceQueueState({ intervalMs: service.queueWarningIntervalMs, scheduler: background }),
      tap(({ state, reason }) => {
        const what = kind === 'training' ? `Training is paused for ${id}` : `Sampling is paused for sampler ${id}`;
        log.warn(`${what}. Reason: ${reason ?? pauseReason(kind, state)}`);
      }),
    )
    .subscribe();
}

/** The field's words for a pause that the server gave no reason for. */
function pauseReason(kind: PausedWork['kind'], state: QueueState['state']): string {
  switch (state) {
    case 'paused_rate_limit':
      return kind === 'training'
        ? 'concurrent training clients rate limit hit'
        : 'concurrent sampler weights limit hit';
    case 'paused_capacity':
      return 'Tinker backend is running short on capacity, please wait';
    default:
      return 'unknown';
  }
}
