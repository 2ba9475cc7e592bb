import { type Observable, map, tap } from 'rxjs';
import { debounceQueueState } from '../../operators/debounceQueueState.js';
import type { QueueState } from './operationProgress.js';
import type { ServiceContext } from './serviceContext.js';

/** Logs a warning when a model's queue is paused, at most one in `queueWarningIntervalMs`. */
export function warnOfPauses(states$: Observable<QueueState>, modelId: string, service: ServiceContext): void {
  const { log, background } = service.connection;
  states$
    .pipe(
      map((state) => ({ modelId, ...state })),
      debounceQueueState({ intervalMs: service.queueWarningIntervalMs, scheduler: background }),
      tap(({ state, reason }) => {
        log.warn(`Training is paused for ${modelId}. Reason: ${reason ?? pauseReason(state)}`);
      }),
    )
    .subscribe();
}

/** The field's words for a pause that the server gave no reason for. */
function pauseReason(state: QueueState['state']): string {
  switch (state) {
    case 'paused_rate_limit':
      return 'concurrent training clients rate limit hit';
    case 'paused_capacity':
      return 'Tinker backend is running short on capacity, please wait';
    default:
      return 'unknown';
  }
}
