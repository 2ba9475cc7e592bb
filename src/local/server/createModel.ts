import type { BaseModelInfo, LoraShape } from '../engine/engine.js';
import { checkCount } from './checkCount.js';
import { jsonResponse } from './jsonResponse.js';
import type { Model } from './model.js';
import { ModelLane } from './modelLane.js';
import type { OperationResult } from './operationResult.js';
import type { ServerResponse } from './serverResponse.js';
import type { ServerState } from './serverState.js';
import type { Session } from './session.js';
import { unloadModel } from './unloadModel.js';

/** What a new model is. */
export interface NewModel {
  readonly seqId: number;
  readonly fingerprint: string;
  readonly base: BaseModelInfo;
  readonly lora: LoraShape;
  readonly userMetadata: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Makes a model, whose id is `<session_id>:train:<model_seq_id>`, and answers the promise of it.
 *
 * @param fill Runs once the engine has the model; what it gives is the promise's result.
 */
export function createModel(
  state: ServerState,
  session: Session,
  { seqId, fingerprint, base, lora, userMetadata }: NewModel,
  fill: (model: Model) => Promise<OperationResult>,
): ServerResponse {
  checkCount('models', state.models, state.limits.models);
  const id = `${session.id}:train:${seqId}`;
  const run = {
    id,
    sessionId: session.id,
    baseModel: base.name,
    loraRank: lora.rank,
    userMetadata,
    lastRequest: state.clock.now(),
  };
  const model: Model = {
    id,
    sessionId: session.id,
    base,
    lora,
    lane: new ModelLane({ promises: state.promises, clock: state.clock, gapMs: state.limits.gapMs }),
    run,
    gradientPending: false,
    steps: 0,
    inflight: undefined,
    unloadPromiseId: undefined,
  };
  state.models.set(id, model);
  state.tell({ type: 'run', run: id, name: `${base.name}, rank ${lora.rank}`, state: 'live' });
  state.runs.set(id, run);
  session.modelIds.push(id);
  const promise = state.promises.create(session.id);
  const answer = { request_id: promise.id, model_id: id };
  session.created.set(`model:${seqId}`, { fingerprint, answer });
  model.lane.first({
    promise,
    run: async () => {
      try {
        await state.engine.createModel(id, base.name, lora);
        return await fill(model);
      } catch (error) {
        const why = `it could not be created (${error instanceof Error ? error.message : String(error)})`;
        unloadModel(state, model, why, error instanceof Error ? error : new Error(why));
        throw error;
      }
    },
  });
  return jsonResponse(answer);
}
