import { type Observable, map } from 'rxjs';
import { invalidArgument } from '../errors.js';
import { samplerInfoSchema, samplingSessionSchema } from '../wire/index.js';
import { makeOperation } from './connection.js';
import type { Operation } from './operation.js';
import type { OperationContext } from './operationWork.js';
import { SamplingClient } from './sampling.js';
import type { ServiceContext } from './serviceContext.js';
import { checkTinkerPath } from './tinkerPath.js';
import type { CallOptions } from './trainingOptions.js';

/** The weights to sample from: a base model, saved weights, or both. */
export interface SamplingSessionOptions {
  readonly modelPath?: string;
  readonly baseModel?: string;
  /** Keeps what `stable_reinforce` needs of the client's samples; default false. */
  readonly recordStabilityInfo?: boolean;
}

/** Opens a sampling session and its client. */
export function createSamplingSession(
  service: ServiceContext,
  options: SamplingSessionOptions,
  { signal }: CallOptions = {},
): Operation<SamplingClient> {
  const { modelPath, baseModel, recordStabilityInfo } = options;
  if (modelPath === undefined && baseModel === undefined) throw invalidArgument('modelPath or baseModel', 'neither');
  if (modelPath !== undefined) checkTinkerPath(modelPath);
  const { api } = service.connection;
  return makeOperation(
    service.connection,
    {
      type: 'create_sampling_session',
      send: ({ span }) =>
        service.session.use((sessionId) =>
          api
            .call({
              method: 'POST',
              path: '/api/v1/create_sampling_session',
              headers: span?.headers,
              body: {
                session_id: sessionId,
                sampling_session_seq_id: service.session.nextSamplingSessionSeqId(),
                // An adapter's own base model is the server's to know.
                ...(modelPath === undefined ? { base_model: baseModel } : { model_path: modelPath }),
                type: 'create_sampling_session',
              },
              schema: samplingSessionSchema,
              retry: 'standard',
            })
            .pipe(map((created) => ({ ...created, sessionId }))),
        ),
      poll: ({ samplingSessionId, sessionId }, context) =>
        baseModelOf(samplingSessionId, context).pipe(
          map(
            (name) =>
              new SamplingClient(service, { sessionId, samplingSessionId, baseModel: name, recordStabilityInfo }),
          ),
        ),
    },
    { signal },
  );

  function baseModelOf(samplingSessionId: string, { span }: OperationContext): Observable<string> {
    if (baseModel !== undefined) return service.session.id$.pipe(map(() => baseModel));
    return api
      .call({
        method: 'GET',
        path: `/api/v1/samplers/${encodeURIComponent(samplingSessionId)}`,
        headers: span?.headers,
        schema: samplerInfoSchema,
        retry: 'standard',
      })
      .pipe(map((sampler) => sampler.baseModel));
  }
}
