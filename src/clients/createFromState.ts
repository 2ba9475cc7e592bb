import { type Observable, catchError, concat, defer, ignoreElements, map, of, switchMap, throwError } from 'rxjs';
import { TinkerError } from '../errors.js';
import { retrieveFuture } from '../futures/retrieveFuture.js';
import { type ClientConfig, futurePromiseSchema, loadedWeightsSchema, weightsInfoSchema } from '../wire/index.js';
import { createModelWork, openModel } from './createModel.js';
import { makeOperation } from './connection.js';
import type { OperationContext, OperationWork } from './operationWork.js';
import { readJsonResult } from './readJsonResult.js';
import type { ServiceContext } from './serviceContext.js';
import { checkTinkerPath } from './tinkerPath.js';
import type { TrainingClient } from './training.js';
import type { LoadStateOptions } from './trainingOptions.js';

/** Options of `createTrainingClientFromState`. */
export interface CreateFromStateOptions extends LoadStateOptions {
  readonly userMetadata?: Readonly<Record<string, string>>;
}

type Sent =
  | {
      readonly way: 'one load';
      readonly requestId: string;
      readonly modelSeqId: number;
      readonly sessionId: string;
      readonly flags: ClientConfig;
    }
  | { readonly way: 'create and load' };

/** The work of making a model from a checkpoint: one load_weights, or create and load on an older server. */
export function createFromStateWork(
  service: ServiceContext,
  path: string,
  optimizer: boolean,
  options: CreateFromStateOptions,
): OperationWork<Sent, TrainingClient> {
  checkTinkerPath(path);
  const { api } = service.connection;
  const { userMetadata, weightsAccessToken } = options;
  return {
    type: 'load_weights',
    send: (context) =>
      service.session
        .use((sessionId) => service.session.flags$.pipe(switchMap((flags) => loadAsNew(sessionId, flags, context))))
        .pipe(
          catchError((error: unknown) =>
            error instanceof TinkerError && error.details.status === 422
              ? of<Sent>({ way: 'create and load' })
              : throwError(() => error),
          ),
        ),
    poll: (sent, context) => (sent.way === 'one load' ? awaitLoad(sent, context) : createAndLoad(context)),
    discard: (training) => {
      service.finishLater(training.unloadModel());
    },
  };

  function loadAsNew(sessionId: string, flags: ClientConfig, { span }: OperationContext): Observable<Sent> {
    return defer(() => {
      const modelSeqId = service.session.nextModelSeqId();
      return api
        .call({
          method: 'POST',
          path: '/api/v1/load_weights',
          headers: span?.headers,
          body: {
            session_id: sessionId,
            model_seq_id: modelSeqId,
            ...(userMetadata !== undefined && { user_metadata: userMetadata }),
            path,
            optimizer,
            ...(weightsAccessToken !== undefined && { weights_access_token: weightsAccessToken }),
            type: 'load_weights',
          },
          schema: futurePromiseSchema,
          retry: 'standard',
        })
        .pipe(map(({ requestId }): Sent => ({ way: 'one load', requestId, modelSeqId, sessionId, flags })));
    });
  }

  function awaitLoad(sent: Extract<Sent, { way: 'one load' }>, context: OperationContext): Observable<TrainingClient> {
    return retrieveFuture(service.connection, {
      promise: { requestId: sent.requestId },
      headers: context.span?.headers,
      requestType: 'LoadWeights',
      waitingFor: `load_weights of ${path}`,
      read: readJsonResult(loadedWeightsSchema, 'load_weights'),
      onQueueState: (state) => {
        context.report({ type: 'queueState', ...state });
      },
    }).pipe(
      // The protocol gives the id by rule; servers need not repeat it.
      switchMap(() =>
        openModel(
          service,
          { modelId: `${sent.sessionId}:train:${sent.modelSeqId}`, flags: sent.flags, firstSeqId: 1 },
          context,
        ),
      ),
    );
  }

  function createAndLoad({ span }: OperationContext): Observable<TrainingClient> {
    return api
      .call({
        method: 'POST',
        path: '/api/v1/weights_info',
        headers: span?.headers,
        body: { tinker_path: path },
        schema: weightsInfoSchema,
        retry: 'standard',
      })
      .pipe(
        switchMap((info) =>
          makeOperation(
            service.connection,
            createModelWork(service, {
              baseModel: info.baseModel,
              ...(info.loraRank !== undefined && { rank: info.loraRank }),
              ...(info.trainMlp !== undefined && { trainMlp: info.trainMlp }),
              ...(info.trainAttn !== undefined && { trainAttn: info.trainAttn }),
              ...(info.trainUnembed !== undefined && { trainUnembed: info.trainUnembed }),
              ...(userMetadata !== undefined && { userMetadata }),
            }),
          ),
        ),
        switchMap((training) =>
          concat(
            (optimizer ? training.loadStateWithOptimizer(path, options) : training.loadState(path, options)).pipe(
              ignoreElements(),
            ),
            of(training),
          ),
        ),
      );
  }
}
