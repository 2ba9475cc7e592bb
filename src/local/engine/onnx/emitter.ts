import { create } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  type AttributeProto,
  type NodeProto,
  type TensorProto,
} from './onnx_pb.js';

/** Element types of ONNX, by number. */
export const elementType = { float32: 1, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10, float64: 11 } as const;

/** Attributes of an ONNX node: integers, lists of integers, or floats marked as such. */
export type OnnxAttributes = Readonly<Record<string, number | readonly number[] | { readonly float: number }>>;

/** Collects the nodes and initializers of an ONNX graph; values are known by name. */
export class Emitter {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  readonly #constants = new Map<string, string>();
  #count = 0;

  /** Adds a node with one output and returns the output's name. */
  emit(opType: string, inputs: readonly string[], attributes: OnnxAttributes = {}, domain = ''): string {
    const output = this.#name();
    this.emitTo([output], opType, inputs, attributes, domain);
    return output;
  }

  /** Adds a node with several outputs and returns their names. */
  emitMany(
    count: number,
    opType: string,
    inputs: readonly string[],
    attributes: OnnxAttributes,
    domain = '',
  ): readonly string[] {
    const outputs = this.names(count);
    this.emitTo(outputs, opType, inputs, attributes, domain);
    return outputs;
  }

  /** New names of values. */
  names(count: number): readonly string[] {
    return Array.from({ length: count }, () => this.#name());
  }

  /** Adds a node with outputs of given names. */
  emitTo(
    outputs: readonly string[],
    opType: string,
    inputs: readonly string[],
    attributes: OnnxAttributes = {},
    domain = '',
  ): void {
    const attribute = Object.entries(attributes).map(([name, value]) => toAttribute(name, value));
    this.nodes.push(create(NodeProtoSchema, { opType, input: [...inputs], output: [...outputs], attribute, domain }));
  }

  /** A float32 scalar. */
  scalar(value: number): string {
    return this.#constant(`f${String(value)}`, 'float32', [], new Float32Array([value]));
  }

  /** A tensor of float32, float64 or int32. */
  tensor(data: Float32Array | Float64Array | Int32Array, shape: readonly number[]): string {
    const type = data instanceof Float32Array ? 'float32' : data instanceof Float64Array ? 'float64' : 'int32';
    return this.#add(type, shape, data);
  }

  /** A list of int64. */
  int64(values: readonly number[]): string {
    return this.#constant(`i${values.join(',')}`, 'int64', [values.length], BigInt64Array.from(values, BigInt));
  }

  #constant(key: string, dtype: keyof typeof elementType, shape: readonly number[], data: ArrayBufferView): string {
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const name = this.#add(dtype, shape, data);
    this.#constants.set(key, name);
    return name;
  }

  #add(dtype: keyof typeof elementType, shape: readonly number[], data: ArrayBufferView): string {
    const name = this.#name();
    const rawData = new Uint8Array(data.byteLength);
    rawData.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    const dims = shape.map(BigInt);
    this.initializers.push(create(TensorProtoSchema, { name, dims, dataType: elementType[dtype], rawData }));
    return name;
  }

  #name(): string {
    return `v${String(this.#count++)}`;
  }
}

function toAttribute(name: string, value: OnnxAttributes[string]): AttributeProto {
  const { FLOAT, INT, INTS } = AttributeProto_AttributeType;
  if (typeof value === 'number') return create(AttributeProtoSchema, { name, type: INT, i: BigInt(value) });
  if ('float' in value) return create(AttributeProtoSchema, { name, type: FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: INTS, ints: value.map(BigInt) });
}
