import type {
  CheckpointEvent,
  DashboardEvent,
  LaneEvent,
  LaneState,
  PointsEvent,
  QueueEvent,
  RunEvent,
  SampleEvent,
} from './dashboardEvent.js';
import { MetricColumns } from './metricColumns.js';

const mostOperations = 200;
const mostSamples = 500;
const mostCheckpoints = 1000;
/** Rows of metrics in one message. */
const rowsAtOnce = 5000;

/** An operation, with the time at which it came into each state, in milliseconds since 1970. */
export interface LaneEntry {
  readonly id: string;
  readonly operation: string;
  state: LaneState;
  seqId: number | undefined;
  message: string | undefined;
  readonly times: Partial<Record<LaneState, number>>;
}

/** What is known of one run. The server keeps it for pages that are opened later, the page to draw it. */
export class RunHistory {
  name: string;
  state: RunEvent['state'] = 'live';
  note = '';
  queue: QueueEvent | undefined;
  readonly columns = new MetricColumns();
  /** In the order in which they were first heard of. */
  readonly operations = new Map<string, LaneEntry>();
  /** Operations that are done, those no longer kept too. */
  done = 0;
  samples: SampleEvent[] = [];
  readonly checkpoints = new Map<string, CheckpointEvent>();

  constructor(readonly id: string) {
    this.name = id;
  }

  /** Takes in what happened. */
  apply(event: DashboardEvent): void {
    switch (event.type) {
      case 'run':
        if (event.restarted === true) this.#clear();
        this.name = event.name ?? this.name;
        this.state = event.state;
        this.note = event.note ?? this.note;
        break;
      case 'metrics':
        this.columns.add(event.step, event.time ?? null, Object.entries(event.metrics));
        break;
      case 'points':
        this.#applyPoints(event);
        break;
      case 'operation':
        this.#applyOperation(event);
        break;
      case 'queue':
        this.queue = event;
        break;
      case 'sample':
        this.samples.push(event);
        if (this.samples.length > mostSamples) this.samples = this.samples.slice(-mostSamples / 2);
        break;
      case 'checkpoint':
        this.checkpoints.set(event.path, event);
        dropOldest(this.checkpoints, mostCheckpoints);
    }
  }

  /** Events that make the same history of an empty one. */
  *events(): Generator<DashboardEvent> {
    const run = this.id;
    yield { type: 'run', run, name: this.name, state: this.state, note: this.note };
    yield* this.#points();
    for (const { id, operation, times, seqId, message } of this.operations.values()) {
      for (const state of laneStates) {
        const time = times[state];
        if (time === undefined) continue;
        yield {
          ...{ type: 'operation', run, id, operation, state, time },
          ...(seqId !== undefined && { seqId }),
          ...(message !== undefined && { message }),
        };
      }
    }
    if (this.queue !== undefined) yield this.queue;
    yield* this.samples;
    yield* this.checkpoints.values();
  }

  *#points(): Generator<PointsEvent> {
    const { steps, times, values } = this.columns;
    for (let from = 0; from < steps.length; from += rowsAtOnce) {
      const to = from + rowsAtOnce;
      const metrics = Object.fromEntries([...values].map(([name, column]) => [name, column.slice(from, to)]));
      yield { type: 'points', run: this.id, steps: steps.slice(from, to), times: times.slice(from, to), metrics };
    }
  }

  #applyPoints({ steps, times, metrics }: PointsEvent): void {
    const columns = Object.entries(metrics);
    steps.forEach((step, row) => {
      this.columns.add(
        step,
        times[row] ?? null,
        columns.map(([name, column]) => [name, column[row] ?? null] as const),
      );
    });
  }

  #applyOperation({ id, operation, state, time, seqId, message }: LaneEvent): void {
    let entry = this.operations.get(id);
    if (entry === undefined) {
      entry = { id, operation, state, seqId, message, times: {} };
      this.operations.set(id, entry);
      dropOldest(this.operations, mostOperations);
    }
    if (state === 'done' && entry.times.done === undefined) this.done += 1;
    entry.state = state;
    entry.seqId = seqId ?? entry.seqId;
    entry.message = message ?? entry.message;
    entry.times[state] ??= time;
  }

  #clear(): void {
    this.columns.clear();
    this.operations.clear();
    this.checkpoints.clear();
    this.samples = [];
    this.done = 0;
    this.queue = undefined;
    this.note = '';
  }
}

const laneStates: readonly LaneState[] = ['queued', 'sent', 'computing', 'done', 'failed'];

function dropOldest(map: Map<string, unknown>, most: number): void {
  if (map.size <= most) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
