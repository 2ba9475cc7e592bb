import { toBase64 } from './base64.js';
import type { PreparedDatum } from './datum.js';
import { forwardBackwardOutputSchema, type ForwardBackwardOutput } from './forwardBackwardOutput.js';
import type { ResultBody } from './futureAnswer.js';
import type { LossName } from './lossName.js';
import type { ModelInput } from './modelInput.js';
import type { ModelInputChunk } from './modelInputChunk.js';
import type { PreparedTensor } from './preparedTensor.js';
import { forwardBackwardRequestBytes } from './proto/forwardBackwardRequestBytes.js';
import { readForwardBackwardOutput } from './proto/readForwardBackwardOutput.js';
import { readSampleResponse } from './proto/readSampleResponse.js';
import type { SpareMemory } from './proto/spareMemory.js';
import { readResponse } from './readResponse.js';
import { type SampleOutput, sampleOutputSchema } from './sampleOutput.js';
import { tokensText } from './tokensText.js';

/** A forward or forward-backward pass, ready to be encoded. */
export interface ForwardBackwardRequest {
  readonly modelId: string;
  readonly seqId: number;
  readonly data: readonly PreparedDatum[];
  readonly loss: LossName | 'custom';
  /** By wire name. */
  readonly lossConfig: Readonly<Record<string, number | string>>;
  readonly forwardOnly: boolean;
}

/** How a pass is written: servers of today read protobuf, older ones JSON alone. */
export type PassFormat = 'protobuf' | 'json';

/** Where an encoded request goes and what it carries. */
export interface EncodedRequest {
  readonly format: PassFormat;
  readonly path: string;
  readonly contentType: string;
  readonly body: string | Uint8Array<ArrayBuffer>;
}

/** Encodes a pass without a boxed copy of its typed arrays; a forward pass has a path of its own in JSON only. */
export function encodeForwardBackward(
  request: ForwardBackwardRequest,
  format: PassFormat,
  memory?: SpareMemory,
): EncodedRequest {
  if (format === 'json') return encodeJson(request);
  return {
    format,
    path: '/api/v1/forward_backward',
    contentType: 'application/x-protobuf',
    body: forwardBackwardRequestBytes(request, memory),
  };
}

/** Decodes the result of a pass. @throws TinkerError `invalid_response`, naming the field */
export function decodeForwardBackwardOutput(body: ResultBody): ForwardBackwardOutput {
  if (body.kind === 'protobuf') return readForwardBackwardOutput(body.bytes);
  return readResponse(forwardBackwardOutputSchema, body.json, 'forward_backward');
}

/** Makes the decoder of a sample's result, for a prompt of so many tokens if that is known; it throws as the above. */
export function sampleOutputDecoder(promptLength: number | undefined): (body: ResultBody) => SampleOutput {
  return (body) =>
    body.kind === 'protobuf'
      ? readSampleResponse(body.bytes, promptLength)
      : readResponse(sampleOutputSchema(promptLength), body.json, 'sample');
}

/** JSON text of a model input. */
export function modelInputJson(input: ModelInput): string {
  return `{"chunks":[${input.chunks.map(chunkJson).join(',')}]}`;
}

function chunkJson(chunk: ModelInputChunk): string {
  switch (chunk.type) {
    case 'encoded_text':
      return `{"type":"encoded_text","tokens":[${tokensText(chunk.tokens)}]}`;
    case 'dmel':
      return `{"type":"dmel","dmel":"${toBase64(chunk.dmel)}"}`;
    case 'image': {
      const { type, data, format, expectedTokens: expected_tokens } = chunk;
      return JSON.stringify({ type, data: toBase64(data), format, expected_tokens });
    }
    case 'image_asset_pointer': {
      const { type, location, format, expectedTokens: expected_tokens } = chunk;
      return JSON.stringify({ type, location, format, expected_tokens });
    }
  }
}

function encodeJson(request: ForwardBackwardRequest): EncodedRequest {
  const { modelId, seqId, data, loss, lossConfig, forwardOnly } = request;
  const config = Object.keys(lossConfig).length === 0 ? '' : `,"loss_fn_config":${JSON.stringify(lossConfig)}`;
  const input = `{"data":[${data.map(datumJson).join(',')}],"loss_fn":${JSON.stringify(loss)}${config}}`;
  const name = forwardOnly ? 'forward' : 'forward_backward';
  return {
    format: 'json',
    path: `/api/v1/${name}`,
    contentType: 'application/json',
    body: `{"model_id":${JSON.stringify(modelId)},"seq_id":${String(seqId)},"${name}_input":${input}}`,
  };
}

function datumJson({ modelInput, lossFnInputs }: PreparedDatum): string {
  const inputs = Object.entries(lossFnInputs).map(
    ([name, tensor]) => `${JSON.stringify(name)}:${tensorDataJson(tensor)}`,
  );
  return `{"model_input":${modelInputJson(modelInput)},"loss_fn_inputs":{${inputs.join(',')}}}`;
}

/** JSON text of a tensor. */
export function tensorDataJson({ data, dtype, shape, sparse }: PreparedTensor): string {
  const indices =
    sparse === undefined
      ? ''
      : `,"sparse_crow_indices":[${sparse.crowIndices.join(',')}],"sparse_col_indices":[${sparse.colIndices.join(',')}]`;
  return `{"data":[${data.join(',')}],"dtype":"${dtype}","shape":[${shape.join(',')}]${indices}}`;
}
