import { Subscription, tap, timer } from 'rxjs';
import { checkCount } from './checkCount.js';
import { endSession } from './endSession.js';
import type { ServerState } from './serverState.js';
import type { Session } from './session.js';
import type { SessionRecord } from './sessionRecord.js';

/** Starts a session, which ends by itself after too long a silence. @throws TinkerError with status 429 for too many. */
export function openSession(
  state: ServerState,
  { projectId, ...options }: Pick<Session, 'tags' | 'userMetadata' | 'displayName'> & Pick<SessionRecord, 'projectId'>,
): Session {
  checkCount('sessions', state.sessions, state.limits.sessions);
  const now = state.clock.now();
  const session: Session = {
    ...options,
    id: `session-${state.random.id()}`,
    createdAt: now,
    lastSeen: now,
    modelIds: [],
    samplerIds: [],
    losses: new Map(),
    created: new Map(),
    silence: Subscription.EMPTY,
  };
  state.sessions.set(session.id, session);
  const { id, createdAt, displayName, userMetadata } = session;
  state.history.set(id, { id, createdAt, displayName, userMetadata, projectId, status: { type: 'active' } });
  watch(state, session);
  return session;
}

function watch(state: ServerState, session: Session): void {
  const { sessionSilenceMs } = state.limits;
  const left = session.lastSeen + sessionSilenceMs - state.clock.now();
  session.silence = timer(left, state.clock.scheduler)
    .pipe(
      tap(() => {
        if (session.lastSeen + sessionSilenceMs > state.clock.now()) watch(state, session);
        else endSession(state, session, `it was silent for ${sessionSilenceMs / 1000} s`, 'fail');
      }),
    )
    .subscribe();
}
