import { tap } from 'rxjs';
import type { LaneBody } from './codec/laneBody.js';
import { parse } from './codec/parse.js';
import { findModel } from './findModel.js';
import { fingerprint } from './fingerprint.js';
import { jsonResponse } from './jsonResponse.js';
import type { Model } from './model.js';
import type { OperationResult } from './operationResult.js';
import { laneIds } from './requests/laneIds.js';
import type { ServerRequest } from './serverRequest.js';
import type { ServerResponse } from './serverResponse.js';
import type { ServerState } from './serverState.js';
import type { Outcome } from './storedPromise.js';
import { tellCall } from './tellCall.js';

/** A call that was checked. */
export interface PreparedCall {
  /** Runs when its turn has come. */
  run(): Promise<OperationResult>;
  /** Told how it ended, also where it never ran. */
  settled?(outcome: Outcome): void;
}

/**
 * Takes a call that has a seq_id into the lane of its model and answers its promise.
 *
 * @param prepare Checks the call before it is accepted. What it throws is the answer; the seq_id then blocks nobody and may be used again.
 */
export function acceptLaneCall<T>(
  state: ServerState,
  request: ServerRequest,
  body: LaneBody<T>,
  prepare: (model: Model, body: T, seqId: number) => PreparedCall,
): ServerResponse {
  const { model_id: modelId, seq_id: seqId } = parse(laneIds, body.ids);
  const model = findModel(state, modelId);
  const print = fingerprint(request);
  const earlier = model.lane.find(seqId, print);
  if (earlier !== undefined) return jsonResponse({ request_id: earlier, model_id: modelId });
  // What others wait for must get in, or nothing would ever make room.
  if (!model.lane.fillsGap(seqId)) state.promises.checkRoom();
  let call: PreparedCall;
  try {
    call = prepare(model, body.read(), seqId);
  } catch (error) {
    model.lane.refuse(seqId);
    throw error;
  }
  const promise = state.promises.create(model.sessionId, request.body?.byteLength);
  const told = tellCall(state, model, { operation: request.path.replace(/^.*\//, ''), seqId, promise });
  promise.outcome$
    .pipe(
      tap((outcome) => {
        call.settled?.(outcome);
        told.settled(outcome);
      }),
    )
    .subscribe();
  const run = (): Promise<OperationResult> => {
    told.began();
    return call.run();
  };
  model.lane.accept(seqId, print, { promise, run });
  return jsonResponse({ request_id: promise.id, model_id: modelId });
}
