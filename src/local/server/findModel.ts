import type { Model } from './model.js';
import { refusal } from './refusal.js';
import type { ServerState } from './serverState.js';
import { touchSession } from './touchSession.js';

/** The live model of this id. @throws TinkerError with status 404 that says why there is none. */
export function findModel(state: ServerState, id: string): Model {
  const model = state.models.get(id);
  if (model === undefined) {
    const gone = state.goneModels.get(id);
    throw refusal(
      404,
      gone === undefined
        ? `No model ${id} on this server. After a restart, create a model again, from its last checkpoint if there is one.`
        : `Model ${id} is not loaded: ${gone.reason}. Create a model again, from its last checkpoint if there is one.`,
    );
  }
  model.run.lastRequest = state.clock.now();
  touchSession(state, model.sessionId);
  return model;
}
