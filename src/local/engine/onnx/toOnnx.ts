import { isOperation, topologicalOrder, type Node, type OperationName } from '../../../graph/index.js';
import { scaleAxis, scaleName } from '../precision.js';
import type { StoredPrecision, StoredPrecisions, Tensors } from '../runtime.js';
import { carriedCaches, nextName } from './carriedCaches.js';
import { elementType, Emitter } from './emitter.js';
import { fusedNorm } from './fusedNorm.js';
import { lowerings, type Lowerings } from './lowerings.js';
import { modelOf, valueInfo } from './modelOf.js';
import type { ValueInfoProto } from './onnx_pb.js';

/** How a graph is written for a provider of the runtime. */
export interface Dialect {
  readonly lowerings: Lowerings;
  /** Whether it takes rows from a table of int8. */
  readonly gathersInt8: boolean;
  /** Whether caches with the new tokens are outputs too, by {@link nextName}. */
  readonly carriesCaches: boolean;
}

const defaultDialect: Dialect = { lowerings, gathersInt8: true, carriesCaches: false };

/**
 * The bytes of an ONNX model (opset 17 and `com.microsoft`) that computes the given nodes. Its inputs are the graph's
 * inputs by name, with sizes that are names left open; its outputs have the names of the keys. Inputs for which a tensor
 * is given become part of the model; matrices that are stored in another type are widened anew at each use, so that no
 * float32 copy outlives it. The dialect is that of the provider that runs it.
 */
export function toOnnx(
  outputs: Readonly<Record<string, Node>>,
  constants: Tensors = {},
  stored: StoredPrecisions = new Map(),
  { lowerings: table, gathersInt8, carriesCaches }: Dialect = defaultDialect,
): Uint8Array {
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
  const usesOf = countUses(Object.values(outputs));
  // A backward half uses the parts of a norm; a pass without one must give the same bits. What only samples is free.
  const fusesNorms = topologicalOrder(Object.values(outputs)).some(({ operation }) => operation === 'cachedAttention');
  const lowerNode = (node: Node): string => {
    const whole = lowerWithStored(node) ?? (fusesNorms ? fusedNorm(emitter, node, nameOf, usesOf) : undefined);
    if (whole !== undefined) return whole;
    const name = lower(table, emitter, node, node.inputs.map(nameOfUse));
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
  const precisionOf = (node: Node | undefined): StoredPrecision | undefined =>
    node !== undefined && isOperation(node, 'input') ? stored.get(node.attributes.name) : undefined;
  /** Declares an input as it is stored and gives its name. */
  const storedInput = (node: Node, precision: StoredPrecision): string => {
    const name = lower(table, emitter, node, []);
    inputs.set(name, valueInfo(name, precision, node.shape));
    if (precision === 'int8')
      inputs.set(scaleName(name), valueInfo(scaleName(name), 'float32', [node.shape[scaleAxis(name)] ?? 1]));
    return name;
  };
  const nameOfUse = (node: Node): string => {
    const precision = precisionOf(node);
    if (precision === undefined) return nameOf(node);
    const name = storedInput(node, precision);
    return precision === 'float16'
      ? emitter.emit('Cast', [name], { to: elementType.float32 })
      : emitter.emit('DequantizeLinear', [name, scaleName(name)], { axis: scaleAxis(name) });
  };
  /** Rows that are gathered from a table are widened, not the table, where they can be. */
  const lowerWithStored = (node: Node): string | undefined => {
    const [table, indices] = node.inputs;
    const precision = precisionOf(table);
    if (!isOperation(node, 'gather') || table === undefined || indices === undefined || precision === undefined)
      return undefined;
    if (precision === 'int8' && !gathersInt8) return undefined;
    const name = storedInput(table, precision);
    const rows = emitter.emit('Cast', [emitter.emit('Gather', [name, nameOf(indices)])], { to: elementType.float32 });
    if (precision === 'float16') return rows;
    const scales = emitter.emit('Gather', [scaleName(name), nameOf(indices)]);
    return emitter.emit('Mul', [rows, emitter.emit('Unsqueeze', [scales, emitter.int64([-1])])]);
  };
  const outputInfo = Object.entries(outputs).map(([name, node]) => {
    emitter.emitTo([name], 'Identity', [nameOf(node)]);
    return valueInfo(name, node.dtype);
  });
  const caches = carriesCaches ? carriedCaches(outputs).map((name) => valueInfo(nextName(name), 'float32')) : [];
  return modelOf(emitter, [...inputs.values()], [...outputInfo, ...caches]);
}

/** How often a node is an input or an output. */
function countUses(outputs: readonly Node[]): (node: Node) => number {
  const uses = new Map<Node, number>();
  const parts: readonly (readonly Node[])[] = topologicalOrder(outputs).map(({ inputs }) => inputs);
  for (const node of [...outputs, ...parts.flat()]) uses.set(node, (uses.get(node) ?? 0) + 1);
  return (node) => uses.get(node) ?? 0;
}

function lower<Name extends OperationName>(
  table: Lowerings,
  emitter: Emitter,
  node: Node<Name>,
  inputs: readonly string[],
): string {
  return table[node.operation](emitter, inputs, node);
}
