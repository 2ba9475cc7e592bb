import type { Observable } from 'rxjs';

/** One saved checkpoint of a run. */
export interface CheckpointEntry {
  readonly name: string;
  /** Steps applied when it was saved: the number of the step to go on with. */
  readonly batch: number;
  /** `tinker://…`, for `createTrainingClientFromStateWithOptimizer`. */
  readonly statePath: string;
  /** The same weights saved for sampling, where the run saves them too. */
  readonly samplerPath?: string;
}

/** Where the checkpoints of a run are written down. */
export interface CheckpointLog {
  /** All entries, oldest first. */
  read(): Observable<readonly CheckpointEntry[]>;
  /** Adds an entry; completes when it would survive a crash. */
  append(entry: CheckpointEntry): Observable<never>;
}
