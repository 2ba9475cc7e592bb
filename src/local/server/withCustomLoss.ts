import type { ForwardBackwardJob } from '../engine/engine.js';
import type { Model } from './model.js';
import { refusal } from './refusal.js';
import type { ServerState } from './serverState.js';

/**
 * A pass with the loss that its `loss_id` names; any other pass as it is.
 *
 * @throws TinkerError with status 400 when the session of the model has no such loss.
 */
export function withCustomLoss(state: ServerState, model: Model, job: ForwardBackwardJob): ForwardBackwardJob {
  if (job.loss !== 'custom') return job;
  const { loss_id: id, ...others } = job.config;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw refusal(400, `loss_fn_config: Expected loss_id alone for custom, got ${unknown} too.`);
  const customLoss = state.sessions.get(model.sessionId)?.losses.get(String(id));
  if (customLoss !== undefined) return { ...job, customLoss };
  throw refusal(
    400,
    `loss_fn_config.loss_id: Expected a loss that create_custom_loss made in session ${model.sessionId}, got ${String(id)}.`,
  );
}
