import { type Observable, concat, from, map, merge, mergeMap, of, scan } from 'rxjs';
import type { OperationEvent } from '../clients/modelContext.js';
import type { TrainingClient } from '../clients/training.js';
import type { DashboardSource } from './dashboardSource.js';
import type { DashboardEvent, LaneEvent } from './page/dashboardEvent.js';

/**
 * Follows a TrainingClient of this process: its operations, metrics and queue state, from now on.
 *
 * @example
 * ```ts
 * await using dashboard = await serveDashboard({ sources: [clientSource(training, { name: 'first try' })] });
 * console.log(`Watch it on ${dashboard.url}`);
 * ```
 */
export function clientSource(training: TrainingClient, options: { readonly name?: string } = {}): DashboardSource {
  const run = training.modelId;
  const name = options.name ?? training.baseModel;
  const told = (state: 'live' | 'ended'): DashboardEvent => ({ type: 'run', run, name, state });
  const metrics$ = training.metrics$.pipe(
    map(({ step, time, metrics }): DashboardEvent => ({ type: 'metrics', run, step, time, metrics })),
  );
  const queue$ = training.queueState$.pipe(map((queue): DashboardEvent => ({ type: 'queue', run, ...queue })));
  const happening$ = merge(metrics$, queue$, laneOf(training.events$, run));
  return { events$: concat(of(told('live')), happening$, of(told('ended'))) };
}

interface Lane {
  readonly events: readonly LaneEvent[];
  /** What was sent and is not done, oldest first. */
  readonly pending: readonly LaneEvent[];
  readonly count: number;
}

/** A model executes what it was sent in order, so the oldest that is not done is the one it computes. */
function laneOf(events$: Observable<OperationEvent>, run: string): Observable<DashboardEvent> {
  const empty: Lane = { events: [], pending: [], count: 0 };
  return events$.pipe(
    scan((lane: Lane, { type: state, operation, seqIds, time, error }): Lane => {
      const seqId = seqIds[0];
      const id = seqId === undefined ? `unsent-${lane.count}` : String(seqId);
      const event: LaneEvent = {
        ...{ type: 'operation', run, id, operation, state, time },
        ...(seqId !== undefined && { seqId }),
        ...(error !== undefined && { message: error.message }),
      };
      const pending = state === 'sent' ? [...lane.pending, event] : lane.pending.filter((one) => one.id !== id);
      const [first] = pending;
      const next =
        first === undefined || first.id === lane.pending[0]?.id
          ? []
          : [{ ...first, state: 'computing' as const, time }];
      return { events: [event, ...next], pending, count: lane.count + 1 };
    }, empty),
    mergeMap(({ events }) => from(events)),
  );
}
