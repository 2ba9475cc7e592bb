import { type Observable, of, switchMap } from 'rxjs';
import { makeOperation } from './connection.js';
import { awaitResult, laneWork } from './laneWork.js';
import type { ModelContext } from './modelContext.js';
import type { Operation } from './operation.js';
import { SamplingClient } from './sampling.js';
import { createSamplingSession } from './samplingSession.js';
import type { ServiceContext } from './serviceContext.js';
import type { SaveAndSampleOptions } from './trainingOptions.js';
import { saveForSamplerRequest } from './trainingRequests.js';

/** Saves a model's weights for sampling in its lane, and opens a client on them. */
export function saveAndSample(
  service: ServiceContext,
  model: ModelContext,
  baseModel: string,
  options: SaveAndSampleOptions,
): Operation<SamplingClient> {
  const { recordStabilityInfo } = options;
  const request = saveForSamplerRequest(model.modelId, service.session, options);
  const work = laneWork(model, request);
  const open = (modelPath: string): Observable<SamplingClient> =>
    createSamplingSession(service, {
      modelPath,
      baseModel,
      ...(recordStabilityInfo === true && { recordStabilityInfo }),
    });
  return makeOperation(
    service.connection,
    {
      type: request.type,
      modelId: model.modelId,
      send: (context) => work.send(context),
      poll: (sent, context) =>
        awaitResult(model, sent, request, context).pipe(
          switchMap((saved) => {
            if (saved.kind === 'path') return open(saved.path);
            const { samplingSessionId } = saved;
            const sessionId = service.session.currentId ?? '';
            return of(new SamplingClient(service, { sessionId, samplingSessionId, baseModel, recordStabilityInfo }));
          }),
        ),
    },
    { road: model.lane, signal: options.signal },
  );
}
