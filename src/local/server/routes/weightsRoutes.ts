import { acceptLaneCall } from '../acceptLaneCall.js';
import { loraShapeOf, type CheckpointManifest } from '../checkpointManifest.js';
import { parseCheckpointPath } from '../checkpointPath.js';
import { decodeJson } from '../codec/decodeJson.js';
import { jsonLaneBody } from '../codec/laneBody.js';
import { parse } from '../codec/parse.js';
import { createModel } from '../createModel.js';
import { findBaseModel } from '../findBaseModel.js';
import { findCreated } from '../findCreated.js';
import { findSession } from '../findSession.js';
import { fingerprint } from '../fingerprint.js';
import { jsonResponse } from '../jsonResponse.js';
import type { Model } from '../model.js';
import { refusal } from '../refusal.js';
import { createByLoadRequest, loadWeightsRequest } from '../requests/loadWeightsRequest.js';
import { saveWeightsRequest } from '../requests/saveWeightsRequest.js';
import { weightsInfoRequest } from '../requests/weightsInfoRequest.js';
import type { Route } from '../route.js';
import { saveCheckpoint } from '../saveCheckpoint.js';
import type { ServerRequest } from '../serverRequest.js';
import type { ServerResponse } from '../serverResponse.js';
import type { ServerState } from '../serverState.js';

/** Saving a model's state and loading it, into a live model or a new one. */
export function weightsRoutes(state: ServerState): Route[] {
  return [
    { method: 'POST', pattern: 'save_weights', handle: ({ request }) => saveWeights(state, request) },
    {
      method: 'POST',
      pattern: 'load_weights',
      handle: ({ request }) => {
        const body = decodeJson(request);
        const creates = typeof body === 'object' && body !== null && 'session_id' in body;
        return creates ? createByLoad(state, request, body) : loadWeights(state, request);
      },
    },
    {
      method: 'POST',
      pattern: 'weights_info',
      handle: ({ request }) => {
        const { tinker_path: path } = parse(weightsInfoRequest, decodeJson(request));
        const { base_model, lora } = state.checkpoints.get(path);
        return jsonResponse({
          base_model,
          is_lora: true,
          lora_rank: lora.rank,
          train_unembed: lora.train_unembed,
          train_mlp: lora.train_mlp,
          train_attn: lora.train_attn,
          optimizer_config: { type: 'adamw' },
        });
      },
    },
  ];
}

function saveWeights(state: ServerState, request: ServerRequest): ServerResponse {
  return acceptLaneCall(state, request, jsonLaneBody(request, saveWeightsRequest), (model, body, seqId) => {
    const { save, settled } = saveCheckpoint(state, model, {
      kind: 'weights',
      name: body.path ?? undefined,
      seqId,
      overwrite: body.overwrite ?? false,
      ttlSeconds: body.ttl_seconds ?? undefined,
      userMetadata: body.user_metadata ?? undefined,
    });
    return {
      run: async () => {
        const pending = model.gradientPending;
        const path = await save();
        const warning = `The gradient accumulated since the last optim_step of ${model.id} is not part of ${path}.`;
        if (pending) state.log('warn', warning);
        return { kind: 'json', body: { path, type: 'save_weights', ...(pending ? { warning } : {}) } };
      },
      settled,
    };
  });
}

function loadWeights(state: ServerState, request: ServerRequest): ServerResponse {
  return acceptLaneCall(state, request, jsonLaneBody(request, loadWeightsRequest), (model, { path, optimizer }) => {
    checkKind(path);
    // A save that this model has accepted comes before this load.
    if (!state.checkpoints.isReserved(path)) checkFits(state.checkpoints.get(path), path, model);
    return {
      run: async () => {
        checkFits(state.checkpoints.get(path), path, model);
        await state.engine.loadState(model.id, await state.checkpoints.read(path, { optimizer: optimizer ?? false }));
        model.gradientPending = false;
        return { kind: 'json', body: { path, model_id: model.id, type: 'load_weights' } };
      },
    };
  });
}

function createByLoad(state: ServerState, request: ServerRequest, value: unknown): ServerResponse {
  const body = parse(createByLoadRequest, value);
  const session = findSession(state, body.session_id);
  const print = fingerprint(request);
  const earlier = findCreated(session, 'model', body.model_seq_id, print);
  if (earlier !== undefined) return earlier;
  const { path, optimizer } = body;
  checkKind(path);
  const manifest = state.checkpoints.get(path);
  if (typeof body.base_model === 'string' && body.base_model !== manifest.base_model) {
    throw refusal(400, `Checkpoint ${path} is of base model ${manifest.base_model}, not of ${body.base_model}.`);
  }
  return createModel(
    state,
    session,
    {
      seqId: body.model_seq_id,
      fingerprint: print,
      base: findBaseModel(state, manifest.base_model),
      lora: loraShapeOf(manifest),
      userMetadata: body.user_metadata ?? undefined,
    },
    async ({ id }) => {
      await state.engine.loadState(id, await state.checkpoints.read(path, { optimizer: optimizer ?? false }));
      return { kind: 'json', body: { path, model_id: id, type: 'load_weights' } };
    },
  );
}

function checkKind(path: string): void {
  if (parseCheckpointPath(path).kind === 'weights') return;
  throw refusal(
    400,
    `${path} holds weights for sampling only. Load what save_weights wrote (tinker://<run>/weights/<name>).`,
  );
}

function checkFits({ base_model, lora }: CheckpointManifest, path: string, model: Model): void {
  if (base_model !== model.base.name) {
    throw refusal(
      400,
      `Checkpoint ${path} is of base model ${base_model}, this model of ${model.base.name}. Create a model from the checkpoint instead.`,
    );
  }
  const same =
    lora.rank === model.lora.rank &&
    lora.train_attn === model.lora.trainAttention &&
    lora.train_mlp === model.lora.trainMlp &&
    lora.train_unembed === model.lora.trainUnembedding;
  if (same) return;
  throw refusal(
    400,
    `Checkpoint ${path} is of a LoRA adapter of rank ${lora.rank} on ${parts(lora.train_attn, lora.train_mlp, lora.train_unembed)}, this model has rank ${model.lora.rank} on ${parts(model.lora.trainAttention, model.lora.trainMlp, model.lora.trainUnembedding)}. Create a model from the checkpoint instead.`,
  );
}

function parts(attention: boolean, mlp: boolean, unembedding: boolean): string {
  return [attention ? ['attention'] : [], mlp ? ['MLP'] : [], unembedding ? ['unembedding'] : []].flat().join(', ');
}
