import type { ServerState } from './serverState.js';

/** Notes a sign of life of a session, if it lives. */
export function touchSession(state: ServerState, id: string): void {
  const session = state.sessions.get(id);
  if (session !== undefined) session.lastSeen = state.clock.now();
}
