import { type Observable, catchError, defer, map, of, tap, throwError } from 'rxjs';
import { TinkerError, type TinkerErrorDetails } from '../errors.js';
import { retrieveFuture } from '../futures/retrieveFuture.js';
import type { ResultBody } from '../wire/futureAnswer.js';
import { type FuturePromise, futurePromiseSchema } from '../wire/futurePromise.js';

import type { EncodedBody } from '../transport/api.js';
import { isDefiniteRefusal } from '../transport/retryTable.js';
import type { ModelContext } from './modelContext.js';
import type { OperationContext, OperationWork } from './operationWork.js';
import { type SaveName, savedBefore } from './savedBefore.js';

/** A promise of the server and the seq_id that it was sent under. */
export interface SentRequest {
  readonly seqId: number;
  readonly promise: LanePromise;
}

/** A promise whose result may be known already. */
export interface LanePromise extends FuturePromise {
  readonly result?: ResultBody;
}

/** One request of a model that goes through its lane. */
export interface LaneRequest<T> {
  /** The operation's name in the field, e.g. `optim_step`. */
  readonly type: string;
  /** The name of the request in the header of polls, e.g. `OptimStep`. */
  readonly requestType: string;
  readonly path: string;
  /** A value to be sent as JSON, or an encoded body. */
  body(seqId: number): object | EncodedBody;
  read(result: ResultBody): T;
  readonly metrics?: (result: T) => Readonly<Record<string, number>>;
  /** True for what makes a gradient clean again. */
  readonly cleans?: boolean;
  /** What it saves; unless it overwrites, 409 says that the name is taken, and is never retried. */
  readonly save?: SaveName;
}

/** Sends one request in the lane's turn. */
export function postInLane(
  model: ModelContext,
  request: Pick<LaneRequest<unknown>, 'type' | 'path' | 'save' | 'cleans'> & {
    body(seqId: number): object | EncodedBody;
  },
  context: OperationContext,
): Observable<SentRequest> {
  const { api, deadlines } = model.connection;
  const { save } = request;
  const named = isRefusable(save) ? save : undefined;
  return inLane(model, request, (seqId) => {
    let mayBeDone = false;
    const post = api.call({
      method: 'POST',
      path: request.path,
      body: request.body(seqId),
      headers: context.span?.headers,
      schema: futurePromiseSchema,
      retry: { deadlineMs: deadlines.sendDeadlineMs, ...(named !== undefined && { final: [409] }) },
      onRetry: (error) => (mayBeDone ||= isOutcomeUnknown(error)),
    });
    if (save === undefined) return post;
    return post.pipe(
      catchError((error: unknown) => {
        const isTaken = error instanceof TinkerError && error.code === 'conflict';
        if (named === undefined || !mayBeDone || !isTaken) return throwError(() => error);
        return savedBefore(model, named, context).pipe(
          map((path): LanePromise => {
            if (path === undefined) throw error;
            return { requestId: path, result: { kind: 'json', json: { path } } };
          }),
        );
      }),
      tap(() => model.savedNames.add(`${save.kind}/${save.name}`)),
    );
  });
}

function isRefusable(save: SaveName | undefined): boolean {
  return save !== undefined && save.overwrite !== true;
}

/** True for a failure after which the server may have done what it was asked. */
function isOutcomeUnknown(error: TinkerError): boolean {
  const { status } = error.details;
  return !isDefiniteRefusal(error) && status !== 402 && status !== 429;
}

/** Gives the lane's turn and its seq_id to `post`, which gets the promise of one operation by one or more requests. */
export function inLane(
  model: ModelContext,
  request: Pick<LaneRequest<unknown>, 'type' | 'save' | 'cleans'>,
  post: (seqId: number) => Observable<LanePromise>,
): Observable<SentRequest> {
  const isRefusal = (error: TinkerError): boolean =>
    isDefiniteRefusal(error) || (isRefusable(request.save) && error.code === 'conflict');
  return model.lane.post(request.type, post, isRefusal, (error) => explain(error, model, request));
}

/** Refuses to send while the accumulated gradient is part of a batch. */
export function whenClean<T>(model: ModelContext, send: () => Observable<T>): Observable<T> {
  const dirty = model.lane.gradientDirty;
  return dirty === undefined ? send() : throwError(() => dirty);
}

/** Waits for the result of one sent request, telling the queue's state on the way. */
export function awaitResult<T>(
  model: ModelContext,
  sent: SentRequest,
  request: Pick<LaneRequest<T>, 'type' | 'requestType' | 'read' | 'cleans'>,
  context: OperationContext,
): Observable<T> {
  const { result: known } = sent.promise;
  if (known !== undefined) return defer(() => of(request.read(known)));
  return retrieveFuture(model.connection, {
    promise: sent.promise,
    headers: context.span?.headers,
    requestType: request.requestType,
    read: (result) => request.read(result),
    waitingFor: `${request.type} with seq_id ${String(sent.seqId)} of ${model.modelId}`,
    explain: (error) => failedAfterSend(error, model, request, sent.seqId),
    onQueueState: (state) => {
      // Most are as the one before.
      if (state.state !== 'active' || model.queueState.value.state !== 'active') model.queueState.next(state);
      context.report({ type: 'queueState', ...state });
    },
  });
}

/** The work of an operation that is one request in the lane. */
export function laneWork<T>(model: ModelContext, request: LaneRequest<T>): OperationWork<SentRequest, T> {
  let seqIds: readonly number[] = [];
  const send = (context: OperationContext): Observable<SentRequest> => postInLane(model, request, context);
  return {
    type: request.type,
    modelId: model.modelId,
    send: (context) => (request.cleans === true ? send(context) : whenClean(model, () => send(context))),
    sent: ({ seqId }, context) => {
      seqIds = [seqId];
      context.report({ type: 'sent', seqIds });
      announce(model, { type: 'sent', operation: request.type, seqIds });
    },
    poll: (sent, context) => awaitResult(model, sent, request, context),
    settled: (outcome) => {
      if ('error' in outcome) {
        announce(model, { type: 'failed', operation: request.type, seqIds, error: outcome.error });
        return;
      }
      if (request.cleans === true) model.lane.acceptGradient();
      announce(model, { type: 'done', operation: request.type, seqIds }, request.metrics?.(outcome.value));
    },
  };
}

/** Tells the model's streams of an event, and of metrics where there are any. */
export function announce(
  model: ModelContext,
  event: { type: 'sent' | 'done' | 'failed'; operation: string; seqIds: readonly number[]; error?: TinkerError },
  metrics?: Readonly<Record<string, number>>,
): void {
  const time = model.connection.scheduler.now();
  if (model.events.observed) model.events.next({ ...event, time });
  const seqId = event.seqIds.at(-1);
  if (metrics === undefined || seqId === undefined) return;
  if (model.metrics.observed)
    model.metrics.next({ operation: event.operation, seqId, step: model.steps, metrics, time });
  if (event.operation === 'optim_step') model.steps += 1;
}

/** The same error with more details. */
export function withDetails(error: TinkerError, details: TinkerErrorDetails): TinkerError {
  const { code, message, retryable, cause } = error;
  return new TinkerError(code, message, { retryable, cause, details: { ...error.details, ...details } });
}

function failedAfterSend(
  error: unknown,
  model: ModelContext,
  request: Pick<LaneRequest<unknown>, 'type' | 'cleans'>,
  seqId: number,
): unknown {
  if (!(error instanceof TinkerError) || error.code === 'connection_lost') return error;
  const explained = explain(error, model, request);
  const laterSent = model.lane.sentAfter(seqId);
  return withDetails(explained, { operation: request.type, seqId, ...(laterSent.length > 0 && { laterSent }) });
}

function explain(
  error: unknown,
  model: ModelContext,
  request: Pick<LaneRequest<unknown>, 'type' | 'save' | 'cleans'>,
): TinkerError {
  if (!(error instanceof TinkerError)) return new TinkerError('invalid_response', String(error), { cause: error });
  if (error.code === 'not_found' && request.cleans !== true) {
    return new TinkerError(
      'model_lost',
      `The server no longer knows model ${model.modelId} or what was asked of it (${request.type}): ${error.message} ` +
        'It was unloaded, or the server was restarted. Go on from the last checkpoint with ' +
        'service.createTrainingClientFromStateWithOptimizer(path).',
      { cause: error, details: { ...error.details, operation: request.type } },
    );
  }
  if (error.code === 'conflict' && isRefusable(request.save)) {
    return new TinkerError(
      'checkpoint_exists',
      `${request.type} was refused: ${error.message} Choose another name, or pass { overwrite: true }.`,
      { cause: error, details: { ...error.details, operation: request.type } },
    );
  }
  return error;
}
