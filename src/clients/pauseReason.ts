import type { QueueState } from './operationProgress.js';

/** The field's words for a pause that the server gave no reason for. */
export function pauseReason(state: QueueState['state']): string {
  switch (state) {
    case 'paused_rate_limit':
      return 'concurrent training clients rate limit hit';
    case 'paused_capacity':
      return 'Tinker backend is running short on capacity, please wait';
    default:
      return 'unknown';
  }
}
