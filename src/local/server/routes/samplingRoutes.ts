import { EMPTY, concatMap, tap } from 'rxjs';
import type { BaseModelInfo } from '../../engine/engine.js';
import { checkCount } from '../checkCount.js';
import { decodeJson } from '../codec/decodeJson.js';
import { parse } from '../codec/parse.js';
import { completionsOf } from '../completionsOf.js';
import { quoteLongSeqId } from '../codec/quoteLongSeqId.js';
import type { SampleOutput } from '../codec/sampleResult.js';
import { createSampler, findSampler } from '../createSampler.js';
import { loraShapeOf } from '../checkpointManifest.js';
import { parseCheckpointPath } from '../checkpointPath.js';
import { findBaseModel } from '../findBaseModel.js';
import { findCreated } from '../findCreated.js';
import { findSession } from '../findSession.js';
import { fingerprint } from '../fingerprint.js';
import { jsonResponse } from '../jsonResponse.js';
import { refusal } from '../refusal.js';
import { createSamplingSessionRequest } from '../requests/createSamplingSessionRequest.js';
import { joinSamplingSessionRequest } from '../requests/joinSamplingSessionRequest.js';
import { sampleRequest } from '../requests/sampleRequest.js';
import type { Route } from '../route.js';
import { sampleJob, type PreparedSample } from '../sampleJob.js';
import { SamplerTarget } from '../samplerTarget.js';
import type { ServerRequest } from '../serverRequest.js';
import type { ServerResponse } from '../serverResponse.js';
import type { ServerState } from '../serverState.js';
import { tellSample } from '../tellSample.js';
import { touchSession } from '../touchSession.js';
import { vocabularyOf } from '../vocabularyOf.js';

/** Sampling sessions and samples. */
export function samplingRoutes(state: ServerState): Route[] {
  return [
    { method: 'POST', pattern: 'create_sampling_session', handle: ({ request }) => createSession(state, request) },
    {
      method: 'POST',
      pattern: 'join_sampling_session',
      handle: ({ request }) => {
        const body = parse(joinSamplingSessionRequest, decodeJson(request));
        const sampler = findSampler(state, body.sampling_session_id);
        sampler.joined += 1;
        return jsonResponse({ client_counter: sampler.joined });
      },
    },
    {
      method: 'GET',
      pattern: 'samplers/:id',
      handle: (call) => {
        const { id, base, modelPath } = findSampler(state, call.param('id'));
        return jsonResponse({
          sampler_id: id,
          base_model: base.name,
          ...(modelPath === undefined ? {} : { model_path: modelPath }),
        });
      },
    },
    { method: 'POST', pattern: 'asample', handle: ({ request }) => sample(state, request) },
  ];
}

function createSession(state: ServerState, request: ServerRequest): ServerResponse {
  const body = parse(createSamplingSessionRequest, decodeJson(request));
  const session = findSession(state, body.session_id);
  const print = fingerprint(request);
  const earlier = findCreated(session, 'sampler', body.sampling_session_seq_id, print);
  if (earlier !== undefined) return earlier;
  const modelPath = body.model_path ?? undefined;
  const manifest = modelPath === undefined ? undefined : state.checkpoints.get(modelPath);
  const baseModel = body.base_model ?? manifest?.base_model;
  if (baseModel === undefined) throw refusal(400, 'Expected base_model or model_path, got neither.');
  if (manifest !== undefined && baseModel !== manifest.base_model) {
    throw refusal(400, `Checkpoint ${modelPath} is of base model ${manifest.base_model}, not of ${baseModel}.`);
  }
  checkCount('sampling sessions', state.samplers, state.limits.samplers);
  const id = `sampling-${state.random.id()}`;
  const base = findBaseModel(state, baseModel);
  const current = new SamplerTarget(state.engine, id, async () => {
    if (manifest === undefined || modelPath === undefined) return { baseModel };
    const { adapter } = await state.checkpoints.read(modelPath, { optimizer: false });
    return { baseModel, lora: loraShapeOf(manifest), adapter };
  });
  const runId = modelPath === undefined ? undefined : parseCheckpointPath(modelPath).runId;
  createSampler(state, session, { id, base, modelPath, runId, ephemeral: false, target: { current, samplers: 0 } });
  const answer = { sampling_session_id: id, type: 'create_sampling_session' };
  session.created.set(`sampler:${body.sampling_session_seq_id}`, { fingerprint: print, answer });
  return jsonResponse(answer);
}

function sample(state: ServerState, request: ServerRequest): ServerResponse {
  const body = parse(sampleRequest, decodeJson(request, quoteLongSeqId));
  const sampler = findSampler(state, body.sampling_session_id);
  touchSession(state, sampler.sessionId);
  const print = fingerprint(request);
  const earlier = sampler.calls.get(body.seq_id);
  if (earlier?.fingerprint === print) return samplePromise(earlier.promiseId, body.num_samples);
  if (earlier !== undefined) {
    throw refusal(
      409,
      `seq_id ${body.seq_id} was used by another request of sampling session ${sampler.id}. Use each once.`,
    );
  }
  state.promises.checkRoom();
  const prepared = sampleJob(body, sampler.base, state);
  const promise = state.promises.create(sampler.sessionId, request.body?.byteLength);
  sampler.accept({
    promise,
    run: async (engineId) => ({ kind: 'sample', output: await draw(state, engineId, sampler.base, prepared) }),
  });
  sampler.calls.set(body.seq_id, { fingerprint: print, promiseId: promise.id });
  const completions = completionsOf(state, sampler.id, cloneOf(body.seq_id));
  promise.outcome$
    .pipe(
      tap((outcome) => completions.add(promise.id, outcome)),
      concatMap((outcome) => (state.isWatched ? tellSample(state, sampler, prepared, outcome) : EMPTY)),
    )
    .subscribe();
  return samplePromise(promise.id, body.num_samples);
}

/** Clones of a client count in blocks of 10⁹. */
function cloneOf(seqId: string): number {
  return Number(seqId.slice(0, -9));
}

async function draw(
  state: ServerState,
  engineId: string,
  base: BaseModelInfo,
  { job, stopTexts: texts, ...asked }: PreparedSample,
): Promise<SampleOutput> {
  if (texts.length === 0) return { ...asked, result: await state.engine.sample(engineId, job) };
  const vocabulary = await vocabularyOf(state, base);
  const stopTexts = { texts: texts.map((text) => new TextEncoder().encode(text)), vocabulary };
  return { ...asked, result: await state.engine.sample(engineId, { ...job, stopTexts }) };
}

function samplePromise(promiseId: string, numSamples: number): ServerResponse {
  const ids = Array.from({ length: numSamples }, (_, index) => `${promiseId}-${index}`);
  return jsonResponse({ request_id: promiseId, sample_sequence_ids: ids });
}
