import { map, merge, take, timer } from 'rxjs';
import { decodeJson } from '../codec/decodeJson.js';
import { parse } from '../codec/parse.js';
import { completionsOf } from '../completionsOf.js';
import { jsonResponse } from '../jsonResponse.js';
import { retrieveFuturesRequest } from '../requests/retrieveFuturesRequest.js';
import type { Route } from '../route.js';
import type { ServerState } from '../serverState.js';
import { touchSession } from '../touchSession.js';

/** Waiting for all samples of a client by one poll. */
export function completionsRoute(state: ServerState): Route {
  return {
    method: 'POST',
    pattern: 'retrieve_futures',
    handle: ({ request }) => {
      const { target, prev_cursor: cursor, timeout } = parse(retrieveFuturesRequest, decodeJson(request));
      const log = completionsOf(state, target.sampling_session_id, target.cloned_sampler_id);
      const sessionId = state.samplers.get(target.sampling_session_id)?.sessionId;
      if (sessionId !== undefined) touchSession(state, sessionId);
      const { pollHoldMs } = state.limits;
      const wait = typeof timeout === 'number' ? Math.min(timeout * 1000, pollHoldMs) : pollHoldMs;
      const nothing$ = timer(wait, state.clock.scheduler).pipe(map(() => ({ completions: [], cursor })));
      return merge(log.after$(cursor), nothing$).pipe(
        take(1),
        map((answer) => jsonResponse(answer)),
      );
    },
  };
}
