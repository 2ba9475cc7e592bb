import type { Observable, SchedulerLike } from 'rxjs';
import type { TinkerError } from '../errors.js';
import type { OperationProgress } from './operationProgress.js';
import type { OperationSpan } from './tracing.js';

/** What a running operation may say and ask of the one who runs it. */
export interface OperationContext {
  report(progress: OperationProgress): void;
  /** Whether anybody is subscribed still. */
  isWanted(): boolean;
  /** Emits when the last subscriber leaves; only work that may stop between two sends listens to it. */
  readonly abandoned$: Observable<void>;
  /** Its headers go with each request; there is none where nothing is traced. */
  readonly span: OperationSpan | undefined;
}

/** What an operation does: a send that is never cut short, then a wait that may be left and taken up again. */
export interface OperationWork<S, T> {
  /** The field's name of the operation, e.g. `forward_backward`. */
  readonly type: string;
  /** The model that it is for, for traces. */
  readonly modelId?: string;
  /** The sampling session that it is for, for traces. */
  readonly samplingSessionId?: string;
  /** Sends; emits once what the wait needs. Completing without a value means that it stopped because it was abandoned. */
  send(context: OperationContext): Observable<S>;
  /** Told of what was sent. */
  readonly sent?: (sent: S, context: OperationContext) => void;
  /** Waits for the result. */
  poll(sent: S, context: OperationContext): Observable<T>;
  /** What to do with a result that comes when nobody is subscribed; then polling goes on without subscribers. */
  readonly discard?: (result: T) => void;
  /** True for an unload: closing the service waits for it. */
  readonly survivesClose?: boolean;
  /** Told when the last subscriber leaves, while it is sent or while its result is waited for. */
  readonly abandoned?: () => void;
  /** Told once of the outcome. */
  readonly settled?: (outcome: { readonly value: T } | { readonly error: TinkerError }) => void;
}

/** The operations that somebody waits for, so that closing can fail them. */
export interface OperationScope {
  readonly active: Set<{ fail(error: TinkerError): void; close(error: TinkerError): void }>;
  /** Why nothing starts any more, once closed. */
  closed: TinkerError | undefined;
  readonly scheduler: SchedulerLike;
}
