import { refusal } from './refusal.js';
import type { ServerState } from './serverState.js';
import type { Session } from './session.js';
import { touchSession } from './touchSession.js';

/**
 * The live session of this id, which is thereby alive for another while.
 *
 * @throws TinkerError with status 404, or `endedStatus` when it has ended.
 */
export function findSession(state: ServerState, id: string, endedStatus: 404 | 410 = 404): Session {
  const session = state.sessions.get(id);
  if (session === undefined) {
    const ended = state.endedSessions.get(id);
    throw ended === undefined
      ? refusal(404, `No session ${id} on this server. After a restart, create a session again.`)
      : refusal(endedStatus, `Session ${id} has ended: ${ended}. Create a session again.`);
  }
  touchSession(state, id);
  return session;
}
