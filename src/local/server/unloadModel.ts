import type { Model } from './model.js';
import type { ServerState } from './serverState.js';

/**
 * Unloads a model after all calls that it accepted, and gives the id of the promise of that; repeated, of the first.
 *
 * @param reason Why the model is gone, for later callers: "Model … is not loaded: …".
 * @param dropWith If given, calls that have not begun fail with this error instead of running.
 */
export function unloadModel(state: ServerState, model: Model, reason: string, dropWith?: Error): string {
  if (model.unloadPromiseId === undefined) {
    const promise = state.promises.create(model.sessionId);
    model.unloadPromiseId = promise.id;
    model.lane.close({
      promise,
      run: async () => {
        state.models.delete(model.id);
        state.tell({
          ...{ type: 'run', run: model.id, name: `${model.base.name}, rank ${model.lora.rank}`, state: 'ended' },
        });
        state.goneModels.set(model.id, { reason, unloadPromiseId: promise.id });
        await state.engine.unloadModel(model.id);
        return { kind: 'json', body: { model_id: model.id, type: 'unload_model' } };
      },
    });
  }
  if (dropWith !== undefined) model.lane.drop(dropWith);
  return model.unloadPromiseId;
}
