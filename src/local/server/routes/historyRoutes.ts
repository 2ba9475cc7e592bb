import { decodeJson } from '../codec/decodeJson.js';
import { parse } from '../codec/parse.js';
import { jsonResponse } from '../jsonResponse.js';
import { refusal } from '../refusal.js';
import { searchSessionsRequest } from '../requests/searchSessionsRequest.js';
import { sessionProjectRequest } from '../requests/sessionProjectRequest.js';
import type { Route } from '../route.js';
import { searchSessions } from '../searchSessions.js';
import type { ServerState } from '../serverState.js';
import type { SessionRecord } from '../sessionRecord.js';

/** Sessions of this server's life, live or not. */
export function historyRoutes(state: ServerState): Route[] {
  return [
    {
      method: 'POST',
      pattern: 'sessions/search',
      handle: ({ request }) => jsonResponse(searchSessions(state, parse(searchSessionsRequest, decodeJson(request)))),
    },
    {
      method: 'PUT',
      pattern: 'sessions/:id/project',
      handle: (call) => {
        const { project_id: projectId } = parse(sessionProjectRequest, decodeJson(call.request));
        findRecord(state, call.param('id')).projectId = projectId;
        return jsonResponse({});
      },
    },
    {
      method: 'GET',
      pattern: 'sessions/:id/trace_export',
      handle: (call) => {
        findRecord(state, call.param('id'));
        return jsonResponse({ status: 'failed', error: 'This server records no traces of its sessions.' });
      },
    },
  ];
}

function findRecord(state: ServerState, id: string): SessionRecord {
  const record = state.history.get(id);
  if (record === undefined) throw refusal(404, `No session ${id} since this server was started.`);
  return record;
}
