import {
  type Observable,
  type SchedulerLike,
  asyncScheduler,
  catchError,
  concat,
  EMPTY,
  concatMap,
  defer,
  exhaustMap,
  map,
  of,
  take,
  tap,
  timeout,
  timer,
} from 'rxjs';
import type { ServiceClient } from '../clients/service.js';
import type { Checkpoint, TrainingRun } from '../wire/index.js';
import type { DashboardSource } from './dashboardSource.js';
import type { CheckpointEvent, DashboardEvent } from './page/dashboardEvent.js';

/** How a server is followed. */
export interface RestSourceOptions {
  /** Training runs to show, the latest; default 20. */
  readonly runs?: number;
  /** Time between two questions; default 5 s. */
  readonly intervalMs?: number;
  /** Default `asyncScheduler`. */
  readonly scheduler?: SchedulerLike;
}

/** Without an answer for so long the server is said to give none. */
const answerMs = 15_000;

/**
 * Follows a server by what it keeps: its training runs and their checkpoints. Metrics are not among that.
 *
 * @example
 * ```ts
 * await using dashboard = await serveDashboard({ sources: [restSource(service)] });
 * ```
 */
export function restSource(service: ServiceClient, options: RestSourceOptions = {}): DashboardSource {
  const { runs = 20, intervalMs = 5000, scheduler = asyncScheduler } = options;
  const { baseUrl } = service;
  const told = (state: 'live' | 'stalled', note: string): DashboardEvent => ({
    ...{ type: 'run', run: baseUrl, name: baseUrl, state, note },
  });
  let failed = false;
  const events$ = timer(0, intervalMs, scheduler).pipe(
    exhaustMap(() =>
      concat(
        listed(service, runs),
        defer(() => (failed ? of(told('live', '')) : EMPTY)),
      ).pipe(
        timeout({
          each: answerMs,
          scheduler,
          with: () => of(told('stalled', `${baseUrl} does not answer; it is asked again.`)),
        }),
        catchError((error: unknown) => of(told('stalled', error instanceof Error ? error.message : String(error)))),
      ),
    ),
    tap((event) => {
      if (event.run === baseUrl) failed = event.type === 'run' && event.state === 'stalled';
    }),
  );
  return { events$ };
}

function listed(service: ServiceClient, runs: number): Observable<DashboardEvent> {
  return service.rest.listTrainingRuns({ pageSize: Math.min(runs, 1000) }).pipe(
    take(runs),
    concatMap((run) =>
      concat(
        of(runEvent(run)),
        service.rest.listCheckpoints(run.trainingRunId).pipe(map((checkpoint) => checkpointEvent(run, checkpoint))),
      ),
    ),
  );
}

function runEvent({ trainingRunId: run, baseModel, loraRank }: TrainingRun): DashboardEvent {
  const name = loraRank === undefined ? baseModel : `${baseModel}, rank ${loraRank}`;
  return { type: 'run', run, name, state: 'live' };
}

function checkpointEvent({ trainingRunId: run }: TrainingRun, checkpoint: Checkpoint): CheckpointEvent {
  const { tinkerPath: path, checkpointId: name } = checkpoint;
  return { type: 'checkpoint', run, path, name, time: Date.parse(checkpoint.time) };
}
