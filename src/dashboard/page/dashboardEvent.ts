/** Where an operation stands. */
export type LaneState = 'queued' | 'sent' | 'computing' | 'done' | 'failed';

/** A run began, changed or ended. */
export interface RunEvent {
  readonly type: 'run';
  readonly run: string;
  /** How people call it; default: `run`. */
  readonly name?: string;
  /** `waiting`: there is nothing to follow yet. `stalled`: it can't be followed any more. */
  readonly state: 'waiting' | 'live' | 'ended' | 'stalled';
  /** What to know about it, in a sentence; an empty one takes the earlier back. */
  readonly note?: string;
  /** What came before is of another run and is to be forgotten. */
  readonly restarted?: boolean;
}

/** Metrics of one step; those of the same step are put together. */
export interface MetricsEvent {
  readonly type: 'metrics';
  readonly run: string;
  readonly step: number;
  /** Milliseconds since 1970. */
  readonly time?: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Metrics of many steps, a column each; null where a step has none. */
export interface PointsEvent {
  readonly type: 'points';
  readonly run: string;
  readonly steps: readonly number[];
  readonly times: readonly (number | null)[];
  readonly metrics: Readonly<Record<string, readonly (number | null)[]>>;
}

/** An operation of a model changed its state. */
export interface LaneEvent {
  readonly type: 'operation';
  readonly run: string;
  /** Names the operation within its run. */
  readonly id: string;
  /** The field's name, e.g. `forward_backward`. */
  readonly operation: string;
  readonly state: LaneState;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly seqId?: number;
  /** Why it failed. */
  readonly message?: string;
}

/** Whether the server works on a run. */
export interface QueueEvent {
  readonly type: 'queue';
  readonly run: string;
  readonly state: string;
  readonly reason?: string;
}

/** A text that a model wrote. */
export interface SampleEvent {
  readonly type: 'sample';
  readonly run: string;
  readonly prompt: string;
  readonly text: string;
  readonly step?: number;
  readonly time?: number;
}

/** A checkpoint was saved. */
export interface CheckpointEvent {
  readonly type: 'checkpoint';
  readonly run: string;
  /** `tinker://…`. */
  readonly path: string;
  readonly name?: string;
  readonly step?: number;
  readonly time?: number;
}

/** Something that happened to a run, as a dashboard shows it. */
export type DashboardEvent =
  RunEvent | MetricsEvent | PointsEvent | LaneEvent | QueueEvent | SampleEvent | CheckpointEvent;
