import { decodeJson } from '../codec/decodeJson.js';
import { parse } from '../codec/parse.js';
import { endSession } from '../endSession.js';
import { findSession } from '../findSession.js';
import { jsonResponse } from '../jsonResponse.js';
import { openSession } from '../openSession.js';
import { page } from '../page.js';
import { createSessionRequest } from '../requests/createSessionRequest.js';
import { finishSessionRequest } from '../requests/finishSessionRequest.js';
import { sessionHeartbeatRequest } from '../requests/sessionHeartbeatRequest.js';
import type { Route } from '../route.js';
import type { ServerState } from '../serverState.js';

/** The life of a session. */
export function sessionRoutes(state: ServerState): Route[] {
  return [
    {
      method: 'POST',
      pattern: 'create_session',
      handle: ({ request }) => {
        const body = parse(createSessionRequest, decodeJson(request));
        const session = openSession(state, {
          tags: body.tags ?? [],
          userMetadata: body.user_metadata ?? {},
          projectId: body.project_id ?? undefined,
          displayName: body.display_name ?? undefined,
        });
        return jsonResponse({
          session_id: session.id,
          info_message: `rxtinker's own server, computing with ${state.engine.runtime}`,
          type: 'create_session',
        });
      },
    },
    {
      method: 'POST',
      pattern: 'session_heartbeat',
      handle: ({ request }) => {
        findSession(state, parse(sessionHeartbeatRequest, decodeJson(request)).session_id, 410);
        return jsonResponse({ type: 'session_heartbeat' });
      },
    },
    {
      method: 'POST',
      pattern: 'sessions/:id/finish',
      handle: (call) => {
        const { reason, detail } = parse(finishSessionRequest, decodeJson(call.request));
        const id = call.param('id');
        // A repetition of the request must not look like a failure.
        if (state.endedSessions.get(id) === undefined) {
          const record = state.history.get(id);
          if (record !== undefined) record.status = { type: 'client_finished', reason, ...(detail && { detail }) };
          const said = typeof detail === 'string' && detail !== '' ? `: ${detail}` : '';
          endSession(state, findSession(state, id), `its client finished it (${reason.type}${said})`, 'run');
        }
        return jsonResponse({});
      },
    },
    {
      method: 'GET',
      pattern: 'sessions',
      handle: ({ query }) => jsonResponse({ sessions: page([...state.sessions.keys()].reverse(), query, 20).items }),
    },
    {
      method: 'GET',
      pattern: 'sessions/:id',
      handle: (call) => {
        const session = findSession(state, call.param('id'));
        return jsonResponse({
          training_run_ids: session.modelIds,
          sampler_ids: session.samplerIds,
          user_metadata: session.userMetadata,
          ...(session.displayName === undefined ? {} : { display_name: session.displayName }),
        });
      },
    },
  ];
}
