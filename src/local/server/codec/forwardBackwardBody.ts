import type { EngineDatum, ForwardBackwardJob } from '../../engine/engine.js';
import { refusal } from '../refusal.js';
import { forwardBackwardRequest, forwardRequest } from '../requests/forwardBackwardRequest.js';
import type { LossInput } from '../requests/lossInput.js';
import type { ServerRequest } from '../serverRequest.js';
import { isProtobuf } from './contentType.js';
import { engineTensor } from './engineTensor.js';
import { jsonLaneBody, type LaneBody } from './laneBody.js';
import { MemoryBudget } from './memoryBudget.js';
import { passIds, protobufPass } from './protobufPass.js';
import { promptTokens } from './promptTokens.js';

/**
 * Reads the body of forward_backward, or of forward where `backward` is false, by its content type; a protobuf message
 * may say itself that it wants no gradient.
 */
export function forwardBackwardBody(request: ServerRequest, backward: boolean): LaneBody<ForwardBackwardJob> {
  if (isProtobuf(request)) {
    const bytes = request.body ?? new Uint8Array();
    return {
      ids: passIds(bytes),
      read: () => {
        const pass = protobufPass(bytes);
        return { ...pass, backward: backward && pass.backward };
      },
    };
  }
  if (backward) {
    const body = jsonLaneBody(request, forwardBackwardRequest);
    return { ids: body.ids, read: () => job(body.read().forward_backward_input, true) };
  }
  const body = jsonLaneBody(request, forwardRequest);
  return { ids: body.ids, read: () => job(body.read().forward_input, false) };
}

function job({ data, loss_fn, loss_fn_config }: LossInput, backward: boolean): ForwardBackwardJob {
  const budget = new MemoryBudget();
  return {
    data: data.map((datum, index) => readDatum(datum, index, budget)),
    loss: loss_fn,
    config: loss_fn_config ?? {},
    backward,
  };
}

function readDatum(
  { model_input, loss_fn_inputs }: LossInput['data'][number],
  index: number,
  budget: MemoryBudget,
): EngineDatum {
  const where = `data.${index}`;
  const tokens = promptTokens(model_input, `${where}.model_input`);
  if (tokens.length === 0) throw refusal(400, `${where}.model_input: Expected at least one token.`);
  return {
    tokens,
    inputs: Object.fromEntries(
      Object.entries(loss_fn_inputs).map(([name, tensor]) => [
        name,
        engineTensor(tensor, `${where}.loss_fn_inputs.${name}`, budget),
      ]),
    ),
  };
}
