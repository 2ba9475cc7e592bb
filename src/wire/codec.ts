import { TinkerError } from '../errors.js';
import type { PreparedDatum } from './datum.js';
import { forwardBackwardOutputSchema, type ForwardBackwardOutput } from './forwardBackwardOutput.js';
import type { ResultBody } from './futureAnswer.js';
import type { LossName } from './lossName.js';
import type { ModelInput } from './modelInput.js';
import { readResponse } from './readResponse.js';
import type { TensorData } from './tensorData.js';

/** A forward or forward-backward pass, ready to be encoded. */
export interface ForwardBackwardRequest {
  readonly modelId: string;
  readonly seqId: number;
  readonly data: readonly PreparedDatum[];
  readonly loss: LossName;
  /** By wire name. */
  readonly lossConfig: Readonly<Record<string, number | string>>;
  readonly forwardOnly: boolean;
}

/** Where an encoded request goes and what it carries. */
export interface EncodedRequest {
  readonly path: string;
  readonly contentType: string;
  readonly body: string | Uint8Array<ArrayBuffer>;
}

/** Encodes a pass as JSON, writing typed arrays as text without a boxed copy. */
export function encodeForwardBackward(request: ForwardBackwardRequest): EncodedRequest {
  const { modelId, seqId, data, loss, lossConfig, forwardOnly } = request;
  const config = Object.keys(lossConfig).length === 0 ? '' : `,"loss_fn_config":${JSON.stringify(lossConfig)}`;
  const input = `{"data":[${data.map(datumJson).join(',')}],"loss_fn":${JSON.stringify(loss)}${config}}`;
  const name = forwardOnly ? 'forward' : 'forward_backward';
  return {
    path: `/api/v1/${name}`,
    contentType: 'application/json',
    body: `{"model_id":${JSON.stringify(modelId)},"seq_id":${String(seqId)},"${name}_input":${input}}`,
  };
}

/** Decodes the result of a pass. @throws TinkerError `invalid_response`, naming the field */
export function decodeForwardBackwardOutput(body: ResultBody): ForwardBackwardOutput {
  if (body.kind === 'json') return readResponse(forwardBackwardOutputSchema, body.json, 'forward_backward');
  throw new TinkerError('invalid_response', 'Expected the result of forward_backward as JSON, got protobuf.');
}

/** JSON text of a model input. */
export function modelInputJson(input: ModelInput): string {
  const chunks = input.chunks.map(({ type, tokens }) => `{"type":"${type}","tokens":[${tokens.join(',')}]}`);
  return `{"chunks":[${chunks.join(',')}]}`;
}

function datumJson({ modelInput, lossFnInputs }: PreparedDatum): string {
  const inputs = Object.entries(lossFnInputs).map(([name, tensor]) => `${JSON.stringify(name)}:${tensorJson(tensor)}`);
  return `{"model_input":${modelInputJson(modelInput)},"loss_fn_inputs":{${inputs.join(',')}}}`;
}

function tensorJson({ data, dtype, shape }: TensorData): string {
  return `{"data":[${data.join(',')}],"dtype":"${dtype}","shape":[${shape.join(',')}]}`;
}
