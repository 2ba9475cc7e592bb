import { create, toBinary } from '@bufbuild/protobuf';
import type { DType, Node, OperationName, Shape } from '../../../graph/index.js';
import type { Tensors } from '../runtime.js';
import { elementType, Emitter } from './emitter.js';
import { lowerings } from './lowerings.js';
import { GraphProtoSchema, ModelProtoSchema, ValueInfoProtoSchema, type ValueInfoProto } from './onnx_pb.js';

/**
 * The bytes of an ONNX model (opset 17 and `com.microsoft`) that computes the given nodes. Its inputs are the graph's
 * inputs by name, with sizes that are names left open; its outputs have the names of the keys. Inputs for which a tensor
 * is given become part of the model.
 */
export function toOnnx(outputs: Readonly<Record<string, Node>>, constants: Tensors = {}): Uint8Array {
  const emitter = new Emitter();
  const inputs = new Map<string, ValueInfoProto>();
  const names = new Map<Node, string>();
  const nameOf = (node: Node): string => {
    const known = names.get(node);
    if (known !== undefined) return known;
    const name = lowerNode(node);
    names.set(node, name);
    return name;
  };
  const fixed = new Map<string, string>();
  const lowerNode = (node: Node): string => {
    const name = lower(emitter, node, node.inputs.map(nameOf));
    if (node.operation !== 'input') return name;
    const constant = constants[name];
    if (constant === undefined) {
      inputs.set(name, valueInfo(name, node.dtype, node.shape));
      return name;
    }
    const known = fixed.get(name) ?? emitter.tensor(constant.data, constant.shape);
    fixed.set(name, known);
    return known;
  };
  const outputInfo = Object.entries(outputs).map(([name, node]) => {
    emitter.emitTo([name], 'Identity', [nameOf(node)]);
    return valueInfo(name, node.dtype);
  });
  const graph = create(GraphProtoSchema, {
    name: 'graph',
    node: emitter.nodes,
    initializer: emitter.initializers,
    input: [...inputs.values()],
    output: outputInfo,
  });
  const opsetImport = [
    { domain: '', version: 17n },
    { domain: 'com.microsoft', version: 1n },
  ];
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, graph, opsetImport }));
}

function lower<Name extends OperationName>(emitter: Emitter, node: Node<Name>, inputs: readonly string[]): string {
  return lowerings[node.operation](emitter, inputs, node);
}

function valueInfo(name: string, dtype: DType, shape?: Shape): ValueInfoProto {
  const dim = shape?.map((size) =>
    typeof size === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
      : { value: { case: 'dimParam' as const, value: size } },
  );
  const tensorType = { elemType: elementType[dtype], ...(dim === undefined ? {} : { shape: { dim } }) };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: 'tensorType', value: tensorType } } });
}
