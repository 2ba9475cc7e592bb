import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type ArrayRecordSchema,
  type BatchedTensorSchema,
  DType,
  ForwardBackwardOutputSchema,
} from '../../../wire/proto/tinker_public_pb.js';
import type { EngineTensor, ForwardBackwardResult } from '../../engine/engine.js';

type Datum = ForwardBackwardResult['outputs'][number];

/** A `ForwardBackwardOutput`: datums whose fields are alike share a record, in order. */
export function forwardBackwardBytes({ outputs, metrics }: ForwardBackwardResult): Uint8Array {
  return toBinary(
    ForwardBackwardOutputSchema,
    create(ForwardBackwardOutputSchema, {
      lossFnOutputType: 'ArrayRecord',
      lossFnOutputs: runsOf(outputs).map(recordOf),
      metrics,
    }),
  );
}

/** Neighbours with the same names, dtypes and sizes of rows. */
function runsOf(outputs: readonly Datum[]): Datum[][] {
  const runs: Datum[][] = [];
  let form = '';
  for (const datum of outputs) {
    const own = JSON.stringify(
      Object.entries(datum).map(([name, { data, shape }]) => [name, dtypeOf(data), ...shape.slice(1)]),
    );
    if (own !== form || runs.length === 0) runs.push([]);
    form = own;
    runs.at(-1)?.push(datum);
  }
  return runs;
}

function recordOf(datums: readonly Datum[]): MessageInitShape<typeof ArrayRecordSchema> {
  const fields: Record<string, MessageInitShape<typeof BatchedTensorSchema>> = {};
  for (const name of Object.keys(datums[0] ?? {})) {
    fields[name] = batchOf(datums.flatMap((datum) => datum[name] ?? []));
  }
  return { typeTag: 'ArrayRecord', numDatums: BigInt(datums.length), fields };
}

function batchOf(tensors: readonly EngineTensor[]): MessageInitShape<typeof BatchedTensorSchema> {
  const offsets = new BigInt64Array(tensors.length + 1);
  const data = new Uint8Array(tensors.reduce((sum, tensor) => sum + tensor.data.byteLength, 0));
  let end = 0;
  tensors.forEach((tensor, index) => {
    data.set(bytesOf(tensor.data), end);
    end += tensor.data.byteLength;
    offsets[index + 1] = BigInt(end);
  });
  const [first] = tensors;
  return {
    data,
    offsets: bytesOf(offsets),
    dtype: first === undefined ? DType.DTYPE_FLOAT32 : dtypeOf(first.data),
    trailingShape: (first?.shape ?? []).slice(1).map(BigInt),
  };
}

const dtypeOf = (data: EngineTensor['data']): DType =>
  data instanceof Float32Array ? DType.DTYPE_FLOAT32 : DType.DTYPE_INT32;

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
