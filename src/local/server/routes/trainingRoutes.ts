import { acceptLaneCall } from '../acceptLaneCall.js';
import { forwardBackwardBody } from '../codec/forwardBackwardBody.js';
import { jsonLaneBody } from '../codec/laneBody.js';
import { refusal } from '../refusal.js';
import { defaultAdamParams, optimStepRequest } from '../requests/optimStepRequest.js';
import type { Call, Route } from '../route.js';
import type { ServerResponse } from '../serverResponse.js';
import type { ServerState } from '../serverState.js';
import { withCustomLoss } from '../withCustomLoss.js';

/** The calls that compute: forward, forward_backward and optim_step. */
export function trainingRoutes(state: ServerState): Route[] {
  return [
    { method: 'POST', pattern: 'forward', handle: (call) => forwardBackward(state, call, false) },
    { method: 'POST', pattern: 'forward_backward', handle: (call) => forwardBackward(state, call, true) },
    {
      method: 'POST',
      pattern: 'optim_step',
      handle: ({ request }) =>
        acceptLaneCall(state, request, jsonLaneBody(request, optimStepRequest), (model, body) => {
          const { type: _, ...parameters } = body.adam_params ?? body.optimizer_params ?? defaultAdamParams;
          return {
            run: async () => {
              const { metrics } = await state.engine.optimStep(model.id, parameters);
              model.gradientPending = false;
              return { kind: 'json', body: { metrics, type: 'optim_step' } };
            },
          };
        }),
    },
  ];
}

function forwardBackward(state: ServerState, { request }: Call, backward: boolean): ServerResponse {
  return acceptLaneCall(state, request, forwardBackwardBody(request, backward), (model, body) => {
    const job = withCustomLoss(state, model, body);
    if (job.data.length === 0) throw refusal(400, 'data: Expected at least one datum, got none.');
    if (body.data.length > state.limits.datumsPerCall) {
      throw refusal(413, `data: Expected at most ${state.limits.datumsPerCall} datums, got ${body.data.length}.`);
    }
    state.engine.checkForwardBackward(model.base.name, job);
    return {
      run: async () => {
        const output = await state.engine.forwardBackward(model.id, job);
        if (job.backward) model.gradientPending = true;
        return { kind: 'forward_backward', output };
      },
    };
  });
}
