import { create, toBinary } from '@bufbuild/protobuf';
import type { DType, Shape } from '../../../graph/index.js';
import type { StoredPrecision } from '../runtime.js';
import { elementType, type Emitter } from './emitter.js';
import { GraphProtoSchema, ModelProtoSchema, ValueInfoProtoSchema, type ValueInfoProto } from './onnx_pb.js';

/** The bytes of an ONNX model (opset 17 and `com.microsoft`) of what an emitter has collected. */
export function modelOf(
  { nodes, initializers }: Emitter,
  input: readonly ValueInfoProto[],
  output: readonly ValueInfoProto[],
): Uint8Array {
  const graph = create(GraphProtoSchema, {
    name: 'graph',
    node: nodes,
    initializer: initializers,
    input: [...input],
    output: [...output],
  });
  const opsetImport = [
    { domain: '', version: 17n },
    { domain: 'com.microsoft', version: 1n },
  ];
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, graph, opsetImport }));
}

/** An input or output of a model; the shape may be left out. */
export function valueInfo(name: string, dtype: DType | StoredPrecision, shape?: Shape): ValueInfoProto {
  const dim = shape?.map((size) =>
    typeof size === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
      : { value: { case: 'dimParam' as const, value: size } },
  );
  const tensorType = { elemType: elementType[dtype], ...(dim === undefined ? {} : { shape: { dim } }) };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: 'tensorType', value: tensorType } } });
}
