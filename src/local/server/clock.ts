import type { SchedulerLike } from 'rxjs';

/** Where the server takes its time from. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Runs the server's timers: held polls, gaps in the seq_ids, silent sessions. */
  readonly scheduler: SchedulerLike;
}
