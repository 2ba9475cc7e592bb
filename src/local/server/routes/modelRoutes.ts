import type { LoraShape } from '../../engine/engine.js';
import { decodeJson } from '../codec/decodeJson.js';
import { parse } from '../codec/parse.js';
import { createModel } from '../createModel.js';
import { findBaseModel } from '../findBaseModel.js';
import { findCreated } from '../findCreated.js';
import { findModel } from '../findModel.js';
import { findSession } from '../findSession.js';
import { fingerprint } from '../fingerprint.js';
import { jsonResponse } from '../jsonResponse.js';
import { createModelRequest } from '../requests/createModelRequest.js';
import { loraConfig } from '../requests/loraConfig.js';
import { modelRequest } from '../requests/modelRequest.js';
import type { Route } from '../route.js';
import type { ServerState } from '../serverState.js';
import { unloadModel } from '../unloadModel.js';

/** The life of a model. */
export function modelRoutes(state: ServerState): Route[] {
  return [
    {
      method: 'POST',
      pattern: 'create_model',
      handle: ({ request }) => {
        const body = parse(createModelRequest, decodeJson(request));
        const session = findSession(state, body.session_id);
        const print = fingerprint(request);
        const earlier = findCreated(session, 'model', body.model_seq_id, print);
        if (earlier !== undefined) return earlier;
        const base = findBaseModel(state, body.base_model);
        const config = body.lora_config ?? loraConfig.parse({});
        const lora: LoraShape = {
          rank: config.rank,
          seed: config.seed ?? state.random.seed(),
          trainAttention: config.train_attn,
          trainMlp: config.train_mlp,
          trainUnembedding: config.train_unembed,
        };
        const userMetadata = body.user_metadata ?? undefined;
        return createModel(
          state,
          session,
          { seqId: body.model_seq_id, fingerprint: print, base, lora, userMetadata },
          ({ id }) => Promise.resolve({ kind: 'json', body: { model_id: id, type: 'create_model' } }),
        );
      },
    },
    {
      method: 'POST',
      pattern: 'get_info',
      handle: ({ request }) => {
        const { id, base, lora } = findModel(state, parse(modelRequest, decodeJson(request)).model_id);
        return jsonResponse({
          model_id: id,
          model_data: {
            arch: base.architecture,
            model_name: base.name,
            tokenizer_id: base.name,
            // Not of the protocol: where our own client gets the tokenizer.
            tokenizer_url: `/api/v1/tokenizers/${base.name}/tokenizer.json`,
          },
          optimizer_config: { type: 'adamw' },
          is_lora: true,
          lora_rank: lora.rank,
          model_name: base.name,
          type: 'get_info',
        });
      },
    },
    {
      method: 'POST',
      pattern: 'unload_model',
      handle: ({ request }) => {
        const { model_id: id } = parse(modelRequest, decodeJson(request));
        const unloaded = state.goneModels.get(id)?.unloadPromiseId;
        const promiseId = unloaded ?? unloadModel(state, findModel(state, id), 'it was unloaded');
        return jsonResponse({ request_id: promiseId, model_id: id });
      },
    },
    {
      method: 'GET',
      pattern: 'tokenizers/*model/tokenizer.json',
      handle: async (call) => {
        const base = findBaseModel(state, call.param('model'));
        return {
          status: 200,
          headers: { 'content-type': 'application/json' },
          body: await state.readFile(base.tokenizerFile),
        };
      },
    },
  ];
}
