import type { EngineTensor, ForwardBackwardResult } from '../../engine/engine.js';
import { jsonResponse } from '../jsonResponse.js';
import type { OperationResult } from '../operationResult.js';
import type { ServerResponse } from '../serverResponse.js';
import { forwardBackwardBytes } from './protobufResult.js';
import { sampleBody, sampleBytes } from './sampleResult.js';

const protobuf = 'application/x-protobuf';

/**
 * Writes the result of an operation as the answer of a poll.
 *
 * @param accept What the client reads: passes and samples go out as protobuf where it says so, else as JSON.
 */
export function encodeResult(result: OperationResult, accept = ''): ServerResponse {
  const asProtobuf = accept.includes(protobuf);
  switch (result.kind) {
    case 'json':
      return jsonResponse(result.body);
    case 'forward_backward':
      return asProtobuf
        ? protobufResponse(forwardBackwardBytes(result.output))
        : jsonResponse(forwardBackwardBody(result.output));
    case 'sample':
      return asProtobuf ? protobufResponse(sampleBytes(result.output)) : jsonResponse(sampleBody(result.output));
  }
}

function protobufResponse(body: Uint8Array): ServerResponse {
  return { status: 200, headers: { 'content-type': protobuf }, body };
}

function forwardBackwardBody({ outputs, metrics }: ForwardBackwardResult): unknown {
  return {
    loss_fn_output_type: 'ArrayRecord',
    loss_fn_outputs: outputs.map((record) =>
      Object.fromEntries(Object.entries(record).map(([name, tensor]) => [name, tensorBody(tensor)])),
    ),
    metrics,
  };
}

function tensorBody({ data, shape }: EngineTensor): unknown {
  return { data: Array.from(data), dtype: data instanceof Float32Array ? 'float32' : 'int64', shape };
}
