import { type Observable, of, switchMap, take } from 'rxjs';
import { invalidArgument } from '../errors.js';
import { joinedSamplerSchema } from '../wire/index.js';
import { makeOperation } from './connection.js';
import type { Operation } from './operation.js';
import { readSamplerHandle } from './samplerHandle.js';
import { SamplingClient } from './sampling.js';
import type { ServiceContext } from './serviceContext.js';
import type { CallOptions } from './trainingOptions.js';

const MOST_CLONES = 1_000_000_000;

/** Makes one more client of the sampler behind a handle; its seq_ids are apart from all others'. */
export function joinSampler(
  service: ServiceContext,
  handle: string,
  { signal }: CallOptions = {},
): Operation<SamplingClient> {
  const { sessionId, samplingSessionId, baseUrl, ...rest } = readSamplerHandle(handle);
  const { api, random } = service.connection;
  if (baseUrl !== service.baseUrl) {
    throw invalidArgument(
      `a handle of a sampler on ${service.baseUrl}`,
      `one on ${baseUrl}`,
      'Make a ServiceClient with its baseUrl.',
    );
  }
  return makeOperation(
    service.connection,
    {
      type: 'join_sampling_session',
      send: ({ span }) =>
        service.session.flags$.pipe(
          take(1),
          switchMap((flags): Observable<{ readonly clientCounter: number }> => {
            if (!flags.sampleJoinSamplingSession) return of({ clientCounter: 1 + Math.floor(random() * MOST_CLONES) });
            return api.call({
              method: 'POST',
              path: '/api/v1/join_sampling_session',
              headers: span?.headers,
              body: { sampling_session_id: samplingSessionId, type: 'join_sampling_session' },
              schema: joinedSamplerSchema,
              retry: 'standard',
            });
          }),
        ),
      poll: ({ clientCounter }) => {
        service.session.keepAlive(sessionId);
        return of(new SamplingClient(service, { ...rest, sessionId, samplingSessionId, cloneId: clientCounter }));
      },
    },
    { signal },
  );
}
