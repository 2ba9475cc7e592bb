import { type Observable, catchError, concat, defer, map, of, switchMap, throwError } from 'rxjs';
import { TinkerError } from '../errors.js';
import { retrieveFuture } from '../futures/retrieveFuture.js';
import { type FuturePromise, createdModelSchema, futurePromiseSchema } from '../wire/index.js';
import { type ModelContext, endStreams } from './modelContext.js';
import type { OperationContext, OperationWork } from './operationWork.js';
import { readJsonResult } from './readJsonResult.js';
import type { ServiceContext } from './serviceContext.js';

interface Unloaded {
  readonly modelId: string;
}

/** The work of unloading a model: closes the lane, waits until it is empty, unloads. */
export function unloadWork(service: ServiceContext, model: ModelContext): OperationWork<undefined, Unloaded> {
  const { connection } = service;
  const closed = new TinkerError(
    'closed',
    `Model ${model.modelId} is being unloaded or was; make a new one with createLoraTrainingClient or from a saved state.`,
  );
  let unloaded = false;
  const end = (): Unloaded => {
    unloaded = true;
    endStreams(model);
    service.models.delete(model);
    return { modelId: model.modelId };
  };
  return {
    type: 'unload_model',
    modelId: model.modelId,
    survivesClose: true,
    send: () => {
      model.lane.stop(closed);
      return of(undefined);
    },
    poll: (_, context) =>
      defer(() => {
        // Left while waiting and taken up again: the barrier closes the lane anew.
        model.lane.stop(closed);
        return concat(
          model.lane.drained(),
          defer(() => unload(service, model.modelId, context)),
        );
      }).pipe(map(end)),
    abandoned: () => {
      if (!unloaded) model.lane.reopen(closed);
    },
    settled: (outcome) => {
      if ('error' in outcome) model.lane.reopen(closed);
    },
  };

  function unload(
    { connection: { api, log } }: ServiceContext,
    modelId: string,
    { span }: OperationContext,
  ): Observable<undefined> {
    return api
      .call({
        method: 'POST',
        path: '/api/v1/unload_model',
        headers: span?.headers,
        body: { model_id: modelId, type: 'unload_model' },
        schema: futurePromiseSchema,
        retry: 'standard',
      })
      .pipe(
        switchMap((promise: FuturePromise) =>
          retrieveFuture(connection, {
            promise,
            headers: span?.headers,
            requestType: 'UnloadModel',
            waitingFor: `unload_model of ${modelId}`,
            read: readJsonResult(createdModelSchema, 'unload_model'),
            onQueueState: () => undefined,
          }),
        ),
        map(() => undefined),
        catchError((error: unknown) => {
          if (!(error instanceof TinkerError) || error.code !== 'not_found') return throwError(() => error);
          log.info(`The server does not unload models by request (${error.message}) The session's end does.`);
          return of(undefined);
        }),
      );
  }
}
