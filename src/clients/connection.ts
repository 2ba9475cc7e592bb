import type { MonoTypeOperatorFunction, Observable, SchedulerLike } from 'rxjs';
import type { ServerCredentials } from '../auth/serverCredentials.js';
import type { Logger } from '../log.js';
import type { Api } from '../transport/api.js';
import type { ClientConfig } from '../wire/clientConfig.js';
import { Operation } from './operation.js';
import { OperationState } from './operationState.js';
import type { OperationScope, OperationWork } from './operationWork.js';
import { type Road, directRoad } from './road.js';
import type { OperationSpan, TracedOperation, Tracer } from './tracing.js';

/** How long the client waits before it gives up, in milliseconds. */
export interface Deadlines {
  /** A send without a known outcome closes the lane; pauses for 402 and 429 are not counted. */
  readonly sendDeadlineMs: number;
  /** Polling without any HTTP answer fails with `connection_lost`. */
  readonly silenceDeadlineMs: number;
  /** How long a 402 (billing) may pause an operation. */
  readonly billingPauseMs: number;
}

/** What all clients of one service share. */
export interface Connection extends OperationScope {
  readonly api: Api;
  readonly credentials: ServerCredentials;
  /** The server's flags; fetched once, a failure is tried again by the next subscriber. */
  readonly flags$: Observable<ClientConfig>;
  /** Holds a request back until its answer of so many bytes fits into the server's budget. */
  readonly responseBudget: <T>(bytes: number) => MonoTypeOperatorFunction<T>;
  readonly log: Logger;
  /** Time of waits; its timers keep the process alive. */
  readonly scheduler: SchedulerLike;
  /** Time of heartbeats and notices; its timers do not. */
  readonly background: SchedulerLike;
  /** Numbers in [0, 1) for jitter. */
  readonly random: () => number;
  readonly deadlines: Deadlines;
  readonly tracer?: Tracer | undefined;
}

/** Makes an operation of what it does, by way of a road. */
export function makeOperation<S, T>(
  connection: Connection,
  work: OperationWork<S, T>,
  options: { readonly road?: Road; readonly signal?: AbortSignal | undefined } = {},
): Operation<T> {
  const { tracer } = connection;
  const startSpan = tracer && spanOf(tracer, work);
  const state = new OperationState(work, options.road ?? directRoad, connection, options.signal, startSpan);
  return new Operation(work.type, state, connection.scheduler);
}

/** Apart from `makeOperation`, which so keeps nothing for a closure where nothing is traced. */
function spanOf(tracer: Tracer, { type, modelId, samplingSessionId }: TracedOperation): () => OperationSpan {
  return () => tracer.start({ type, modelId, samplingSessionId });
}
