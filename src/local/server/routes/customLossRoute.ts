import { checkCustomLoss } from '../../engine/custom/checkCustomLoss.js';
import { decodeJson } from '../codec/decodeJson.js';
import { parse } from '../codec/parse.js';
import { findCreated } from '../findCreated.js';
import { findSession } from '../findSession.js';
import { fingerprint } from '../fingerprint.js';
import { jsonResponse } from '../jsonResponse.js';
import { refusal } from '../refusal.js';
import { createCustomLossRequest } from '../requests/createCustomLossRequest.js';
import type { Route } from '../route.js';
import type { ServerState } from '../serverState.js';

const mostLosses = 256;

/** Stores a custom loss for the models of a session, and answers the promise of the id by which passes name it. */
export function customLossRoute(state: ServerState): Route {
  return {
    method: 'POST',
    pattern: 'create_custom_loss',
    handle: ({ request }) => {
      const body = parse(createCustomLossRequest, decodeJson(request));
      const session = findSession(state, body.session_id);
      const print = fingerprint(request);
      const earlier = findCreated(session, 'loss', body.custom_loss_seq_id, print);
      if (earlier !== undefined) return earlier;
      if (session.losses.size >= mostLosses)
        throw refusal(400, `Session ${session.id} has ${mostLosses} custom losses, which is the most. Use them again.`);
      const loss = { inputs: body.inputs, nodes: body.graph.nodes };
      checkCustomLoss(loss);
      const id = `${session.id}:loss:${body.custom_loss_seq_id}`;
      const promise = state.promises.create(session.id);
      const result = { loss_id: id, type: 'create_custom_loss' };
      state.promises.settle(promise, { ok: true, result: { kind: 'json', body: result } });
      const answer = { request_id: promise.id };
      session.losses.set(id, loss);
      session.created.set(`loss:${body.custom_loss_seq_id}`, { fingerprint: print, answer });
      return jsonResponse(answer);
    },
  };
}
