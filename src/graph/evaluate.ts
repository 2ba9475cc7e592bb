import { invalidArgument } from '../errors.js';
import { Bindings } from './bindings.js';
import type { Node, OperationName } from './node.js';
import type { Evaluation, InputValues } from './rule.js';
import { rules } from './rules.js';
import { elements, type Tensor } from './tensor.js';
import { topologicalOrder } from './topologicalOrder.js';

/** Options of {@link evaluate}. */
export interface EvaluateOptions {
  /** Of every result; sums are in float64 either way. `float32` if missing. */
  readonly precision?: 'float32' | 'float64';
}

/**
 * Computes nodes on typed arrays, each node once, without any runtime.
 *
 * @param outputs - What to compute, by name.
 * @param feeds - A tensor for each input, by the input's name. Arrays are read, never written; results that only
 *   reshape an input share its array.
 * @throws TinkerError `invalid_argument` on a missing feed, a wrong kind of array, or sizes that disagree.
 * @example
 * ```ts
 * const x = input('x', ['n']);
 * evaluate({ y: exp(x) }, { x: { data: new Float32Array([0, 1]), shape: [2] } }).y.data; // Float32Array [1, 2.718…]
 * ```
 */
export function evaluate<Key extends string>(
  outputs: Readonly<Record<Key, Node>>,
  feeds: Readonly<Record<string, Tensor>>,
  options: EvaluateOptions = {},
): Record<Key, Tensor> {
  const keys = Object.keys(outputs);
  const values = evaluateNodes(Object.values<Node>(outputs), feeds, options);
  // One value for each key, which fromEntries forgets.
  return Object.fromEntries(keys.map((key, i) => [key, values[i]])) as Record<Key, Tensor>;
}

/** As {@link evaluate}, for nodes in a row. */
export function evaluateNodes(
  outputs: readonly Node[],
  feeds: Readonly<Record<string, Tensor>>,
  { precision }: EvaluateOptions = {},
): Tensor[] {
  const order = topologicalOrder(outputs);
  const uses = new Map<Node, number>();
  const use = (node: Node, count: number): number => {
    const total = (uses.get(node) ?? 0) + count;
    uses.set(node, total);
    return total;
  };
  for (const node of outputs) use(node, 1);
  for (const node of order) for (const input of node.inputs) use(input, 1);
  const bindings = new Bindings();
  const evaluation: Evaluation = {
    allocate: (length) => (precision === 'float64' ? new Float64Array(length) : new Float32Array(length)),
    resolve: (shape, length) => bindings.resolve(shape, length),
    feed: (node) => checkFeed(node, feeds),
  };
  const values = new Map<Node, Tensor>();
  // Inputs first: names bound by one input are then known to every reshape.
  for (const node of [...order.filter(isInput), ...order.filter((other) => !isInput(other))]) {
    const inputs = node.inputs.map((input) => tensorOf(values, input));
    const tensor = compute(node, inputs, evaluation);
    bindings.bind(node, tensor.shape);
    values.set(node, tensor);
    for (const input of node.inputs) if (use(input, -1) === 0) values.delete(input);
  }
  return outputs.map((node) => tensorOf(values, node));
}

function isInput(node: Node): boolean {
  return node.operation === 'input';
}

function compute<Name extends OperationName>(node: Node<Name>, inputs: Tensor[], evaluation: Evaluation): Tensor {
  // One tensor for each input, in order: what InputValues says, which map() forgets.
  return rules[node.operation].value(inputs as InputValues<Name>, node, evaluation);
}

function tensorOf(values: ReadonlyMap<Node, Tensor>, node: Node): Tensor {
  const tensor = values.get(node);
  if (tensor === undefined) throw invalidArgument(`the value of ${node.operation} before it is used`, tensor);
  return tensor;
}

function checkFeed(node: Node<'input'>, feeds: Readonly<Record<string, Tensor>>): Tensor {
  const { name } = node.attributes;
  const tensor = feeds[name];
  if (tensor === undefined)
    throw invalidArgument(`a tensor for the input ${name}`, `feeds for ${Object.keys(feeds).join(', ') || 'none'}`);
  if (tensor.data instanceof Int32Array !== (node.dtype === 'int32'))
    throw invalidArgument(`${node.dtype === 'int32' ? 'an Int32Array' : 'a Float32Array'} for ${name}`, tensor.data);
  if (elements(tensor.shape) !== tensor.data.length)
    throw invalidArgument(`${String(elements(tensor.shape))} elements for ${name}`, tensor.data.length);
  return tensor;
}
