import { type Observable, map, of, switchMap, tap } from 'rxjs';
import { retrieveFuture } from '../futures/retrieveFuture.js';
import {
  type ClientConfig,
  type FuturePromise,
  type LoraConfig,
  createdModelSchema,
  futurePromiseSchema,
  modelInfoSchema,
  toWireLoraConfig,
} from '../wire/index.js';
import { invalidArgument } from '../errors.js';
import type { OperationContext, OperationWork } from './operationWork.js';
import { readJsonResult } from './readJsonResult.js';
import type { ServiceContext } from './serviceContext.js';
import { TrainingClient } from './training.js';
import type { CallOptions } from './trainingOptions.js';

/** The adapter to train. */
export interface CreateLoraOptions extends LoraConfig, CallOptions {
  /** Name of the base model, e.g. `Qwen/Qwen3-8B`; `service.getServerCapabilities()` lists them. */
  readonly baseModel: string;
  readonly userMetadata?: Readonly<Record<string, string>>;
}

interface Sent {
  readonly promise: FuturePromise;
  readonly flags: ClientConfig;
}

/** The work of making a model; what is made when nobody is subscribed any more is unloaded. */
export function createModelWork(
  service: ServiceContext,
  options: CreateLoraOptions,
): OperationWork<Sent, TrainingClient> {
  const { baseModel, userMetadata, signal: _, ...lora } = options;
  if (typeof baseModel !== 'string' || baseModel === '')
    throw invalidArgument('baseModel to be the name of a base model', baseModel);
  const lora_config = toWireLoraConfig(lora);
  const { api } = service.connection;
  return {
    type: 'create_model',
    send: ({ span }) =>
      service.session.use((session_id) =>
        service.session.flags$.pipe(
          switchMap((flags) =>
            api
              .call({
                method: 'POST',
                path: '/api/v1/create_model',
                headers: span?.headers,
                body: {
                  session_id,
                  model_seq_id: service.session.nextModelSeqId(),
                  base_model: baseModel,
                  ...(userMetadata !== undefined && { user_metadata: userMetadata }),
                  lora_config,
                  optimizer_config: { type: 'adamw' },
                  type: 'create_model',
                },
                schema: futurePromiseSchema,
                retry: 'standard',
              })
              .pipe(map((promise) => ({ promise, flags }))),
          ),
        ),
      ),
    poll: ({ promise, flags }, context) =>
      retrieveFuture(service.connection, {
        promise,
        headers: context.span?.headers,
        requestType: 'CreateModel',
        waitingFor: `create_model on ${baseModel}`,
        read: readJsonResult(createdModelSchema, 'create_model'),
        onQueueState: (state) => {
          context.report({ type: 'queueState', ...state });
        },
      }).pipe(switchMap(({ modelId }) => openModel(service, { modelId, baseModel, flags, firstSeqId: 1 }, context))),
    discard: (training) => {
      service.finishLater(training.unloadModel());
    },
  };
}

/** A client of a model that the server has. */
export function openModel(
  service: ServiceContext,
  model: {
    readonly modelId: string;
    readonly baseModel?: string;
    readonly flags: ClientConfig;
    readonly firstSeqId: number;
  },
  { span }: OperationContext,
): Observable<TrainingClient> {
  return service.connection.api
    .call({
      method: 'POST',
      path: '/api/v1/get_info',
      headers: span?.headers,
      body: { model_id: model.modelId, type: 'get_info' },
      schema: modelInfoSchema,
      retry: 'standard',
    })
    .pipe(
      switchMap((info) =>
        of(
          new TrainingClient(service, info, {
            baseModel: info.modelData.modelName ?? info.modelName ?? model.baseModel ?? '',
            flags: model.flags,
            firstSeqId: model.firstSeqId,
          }),
        ),
      ),
      tap((training) => {
        service.trainingClients.next(training);
      }),
    );
}
