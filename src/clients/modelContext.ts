import type { BehaviorSubject, Subject } from 'rxjs';
import type { TinkerError } from '../errors.js';
import type { ClientConfig } from '../wire/clientConfig.js';
import type { WireFormat } from '../wire/wireFormat.js';
import type { Connection } from './connection.js';
import type { Lane } from './lane.js';
import type { QueueState } from './operationProgress.js';
import type { UploadedLosses } from './uploadedLosses.js';

/** Something that happened to a training operation; `time` in milliseconds since 1970. */
export interface OperationEvent {
  readonly type: 'sent' | 'done' | 'failed';
  readonly operation: string;
  readonly seqIds: readonly number[];
  readonly time: number;
  readonly error?: TinkerError;
}

/** Metrics of one finished operation; `step` counts finished optimizer steps of this client from 0. */
export interface OperationMetrics {
  readonly operation: string;
  readonly seqId: number;
  readonly step: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly time: number;
}

/** What the operations of one model share. */
export interface ModelContext {
  readonly connection: Connection;
  readonly modelId: string;
  readonly lane: Lane;
  readonly flags: ClientConfig;
  readonly uploadedLosses: UploadedLosses;
  /** The session's choice between protobuf and JSON. */
  readonly wireFormat: WireFormat;
  readonly queueState: BehaviorSubject<QueueState>;
  readonly events: Subject<OperationEvent>;
  readonly metrics: Subject<OperationMetrics>;
  /** Kinds and names of the checkpoints that were saved: `weights/step-20`. */
  readonly savedNames: Set<string>;
  /** Finished optimizer steps. */
  steps: number;
}

/** Completes a model's streams. */
export function endStreams(model: ModelContext): void {
  model.queueState.complete();
  model.events.complete();
  model.metrics.complete();
}
