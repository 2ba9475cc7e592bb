import type { ServerState } from './serverState.js';
import type { Session } from './session.js';
import { refusal } from './refusal.js';
import { unloadModel } from './unloadModel.js';

/**
 * Ends a session: its models are unloaded and its samplers closed.
 *
 * @param reason Completes "Session … has ended: …".
 * @param accepted What becomes of calls that were accepted but have not begun: they `run`, or they `fail`.
 */
export function endSession(state: ServerState, session: Session, reason: string, accepted: 'run' | 'fail'): void {
  if (!state.sessions.delete(session.id)) return;
  session.silence.unsubscribe();
  state.endedSessions.set(session.id, reason);
  const record = state.history.get(session.id);
  if (record?.status?.type === 'active') record.status = undefined;
  const why = `its session ${session.id} has ended: ${reason}`;
  const dropWith = accepted === 'run' ? undefined : refusal(404, `This was not executed: ${why}.`);
  for (const id of session.modelIds) {
    const model = state.models.get(id);
    if (model !== undefined) unloadModel(state, model, why, dropWith);
  }
  for (const id of session.samplerIds) {
    state.samplers.get(id)?.close(dropWith);
    state.samplers.delete(id);
  }
  state.promises.markSessionRead(session.id);
  state.log('info', `Session ${session.id} has ended: ${reason}.`);
}
