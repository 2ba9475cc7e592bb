import { map, merge, take, timer } from 'rxjs';
import { decodeJson } from '../codec/decodeJson.js';
import { encodeResult } from '../codec/encodeResult.js';
import { parse } from '../codec/parse.js';
import { jsonResponse } from '../jsonResponse.js';
import { cancelFutureRequest } from '../requests/cancelFutureRequest.js';
import { retrieveFutureRequest } from '../requests/retrieveFutureRequest.js';
import type { Route } from '../route.js';
import type { ServerResponse } from '../serverResponse.js';
import type { ServerState } from '../serverState.js';
import type { Outcome, StoredPromise } from '../storedPromise.js';
import { touchSession } from '../touchSession.js';

/** Polling for the outcome of a promise. */
export function futureRoutes(state: ServerState): Route[] {
  return [
    {
      method: 'POST',
      pattern: 'retrieve_future',
      handle: ({ request }) => {
        const body = parse(retrieveFutureRequest, decodeJson(request));
        const promise = state.promises.get(body.request_id);
        touchSession(state, promise.sessionId);
        const { accept } = request.headers;
        const metadataOnly = state.limits.metadataFirst && body.allow_metadata_only === true;
        return merge(promise.outcome$, timer(state.limits.pollHoldMs, state.clock.scheduler)).pipe(
          take(1),
          map((outcome) =>
            outcome === 0 ? tryAgain(promise) : answer(state, promise, outcome, { metadataOnly, accept }),
          ),
        );
      },
    },
    {
      method: 'POST',
      pattern: 'cancel_future',
      handle: ({ request }) => {
        const promise = state.promises.get(parse(cancelFutureRequest, decodeJson(request)).request_id);
        for (const id of state.sessions.get(promise.sessionId)?.samplerIds ?? [])
          state.samplers.get(id)?.cancel(promise);
        return jsonResponse({});
      },
    },
  ];
}

function tryAgain({ id, waitsFor }: StoredPromise): ServerResponse {
  return jsonResponse({
    type: 'try_again',
    request_id: id,
    ...(waitsFor === undefined ? { queue_state: 'active' } : { queue_state: 'unknown', queue_state_reason: waitsFor }),
  });
}

function answer(
  state: ServerState,
  promise: StoredPromise,
  outcome: Outcome,
  { metadataOnly, accept }: { readonly metadataOnly: boolean; readonly accept: string | undefined },
): ServerResponse {
  if (!outcome.ok) {
    state.promises.markRead(promise);
    return jsonResponse({ error: outcome.message, category: outcome.category });
  }
  const response = encodeResult(outcome.result, accept);
  if (metadataOnly) {
    return jsonResponse({ status: 'complete_metadata', response_payload_size: response.body.byteLength });
  }
  state.promises.markRead(promise);
  return response;
}
