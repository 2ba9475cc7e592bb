import { acceptLaneCall } from '../acceptLaneCall.js';
import { jsonLaneBody } from '../codec/laneBody.js';
import { createSampler } from '../createSampler.js';
import { findCreated } from '../findCreated.js';
import { findSession } from '../findSession.js';
import { fingerprint } from '../fingerprint.js';
import type { Model } from '../model.js';
import type { OperationResult } from '../operationResult.js';
import { saveWeightsForSamplerRequest } from '../requests/saveWeightsForSamplerRequest.js';
import type { Route } from '../route.js';
import type { SharedTarget } from '../sampler.js';
import { SamplerTarget } from '../samplerTarget.js';
import { saveCheckpoint } from '../saveCheckpoint.js';
import type { ServerState } from '../serverState.js';

/** Saves weights to sample from: under a name, or as a sampling session that needs none. */
export function saveForSamplerRoute(state: ServerState): Route {
  return {
    method: 'POST',
    pattern: 'save_weights_for_sampler',
    handle: ({ request }) =>
      acceptLaneCall(state, request, jsonLaneBody(request, saveWeightsForSamplerRequest), (model, body, seqId) => {
        if (typeof body.sampling_session_seq_id === 'number') {
          const key = `sampler:${body.sampling_session_seq_id}`;
          const session = findSession(state, model.sessionId);
          const print = fingerprint(request);
          findCreated(session, 'sampler', body.sampling_session_seq_id, print);
          const samplerId = `sampling-${state.random.id()}`;
          session.created.set(key, { fingerprint: print, answer: { sampling_session_id: samplerId } });
          return {
            run: () => saveSession(state, model, samplerId, body.kind === 'inflight'),
            // What failed made no session: its number is free again.
            settled: ({ ok }) => {
              if (!ok) session.created.delete(key);
            },
          };
        }
        const { save, settled } = saveCheckpoint(state, model, {
          kind: 'sampler_weights',
          name: body.path ?? undefined,
          seqId,
          overwrite: false,
          ttlSeconds: body.ttl_seconds ?? undefined,
          userMetadata: body.user_metadata ?? undefined,
        });
        return {
          run: async () => ({ kind: 'json', body: { path: await save(), type: 'save_weights_for_sampler' } }),
          settled,
        };
      }),
  };
}

async function saveSession(
  state: ServerState,
  model: Model,
  samplerId: string,
  inflight: boolean,
): Promise<OperationResult> {
  const { adapter } = await state.engine.saveState(model.id, { optimizer: false });
  const weights = { baseModel: model.base.name, lora: model.lora, adapter };
  const current = new SamplerTarget(state.engine, samplerId, () => Promise.resolve(weights));
  await current.ready;
  const session = state.sessions.get(model.sessionId);
  if (session === undefined) current.retire();
  else {
    const target = inflight ? shareTarget(model, current) : { current, samplers: 0 };
    createSampler(state, session, {
      ...{ id: samplerId, base: model.base, modelPath: undefined, runId: model.id, ephemeral: true, target },
    });
  }
  return { kind: 'json', body: { sampling_session_id: samplerId, type: 'save_weights_for_sampler' } };
}

/** All `inflight` samplers of a model draw from its newest weights. */
function shareTarget(model: Model, current: SamplerTarget): SharedTarget {
  const shared = model.inflight;
  if (shared === undefined || shared.samplers === 0) return (model.inflight = { current, samplers: 0 });
  shared.current.retire();
  shared.current = current;
  return shared;
}
