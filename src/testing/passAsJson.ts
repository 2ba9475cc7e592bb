import { fromBinary } from '@bufbuild/protobuf';
import { integersOf, int32Of, packedArray } from '../wire/proto/packedArrays.js';
import { type Datum, ForwardBackwardRequestSchema, type Tensor } from '../wire/proto/tinker_public_pb.js';

/** The JSON form of a pass that was sent as protobuf, so that tests read one form. */
export function passAsJson(body: Uint8Array): object {
  const { modelId, seqId, data, lossFn, lossFnConfigV2, forwardOnly } = fromBinary(ForwardBackwardRequestSchema, body);
  const config = Object.entries(lossFnConfigV2).map(([name, { value }]) => [name, value.value] as const);
  return {
    model_id: modelId,
    seq_id: seqId,
    [forwardOnly ? 'forward_input' : 'forward_backward_input']: {
      data: data.map(datumAsJson),
      loss_fn: lossFn,
      ...(config.length > 0 && { loss_fn_config: Object.fromEntries(config) }),
    },
  };
}

function datumAsJson({ modelInput, lossFnInputs }: Datum): object {
  const chunks = modelInput.map(({ chunk }) =>
    chunk.case === 'encodedText'
      ? { type: 'encoded_text', tokens: Array.from(int32Of(chunk.value.tokens, 'tokens')) }
      : { type: chunk.case },
  );
  const inputs = Object.entries(lossFnInputs).map(([name, tensor]) => [name, tensorAsJson(tensor, name)] as const);
  return { model_input: { chunks }, loss_fn_inputs: Object.fromEntries(inputs) };
}

function tensorAsJson({ encoding, dtype, shape }: Tensor, name: string): object {
  const values = encoding.case === 'sparseCsr' ? encoding.value.values : (encoding.value ?? new Uint8Array());
  const { data } = packedArray(values, dtype, name);
  return {
    data: Array.from<number | bigint, number>(data, Number),
    dtype: data instanceof Float32Array ? 'float32' : 'int64',
    shape: shape.map(Number),
    ...(encoding.case === 'sparseCsr' && {
      sparse_crow_indices: Array.from<number | bigint, number>(integersOf(encoding.value.crowIndices, name), Number),
      sparse_col_indices: Array.from<number | bigint, number>(integersOf(encoding.value.colIndices, name), Number),
    }),
  };
}
