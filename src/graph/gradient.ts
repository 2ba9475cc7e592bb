import { invalidArgument } from '../errors.js';
import type { Node, OperationName } from './node.js';
import { add } from './operations/add.js';
import { constant } from './operations/constant.js';
import { expandAs } from './operations/expandAs.js';
import { rules } from './rules.js';
import { describeShape } from './sizes.js';
import { topologicalOrder } from './topologicalOrder.js';

/**
 * The derivatives of a scalar by some nodes, as a graph: one node for each, of its shape; zeros where the loss does
 * not depend on it. Reverse mode: each operation's vector-Jacobian product, from the loss back.
 *
 * @throws TinkerError `invalid_argument` when the loss is no scalar or a node does not hold float32.
 * @example
 * ```ts
 * const x = input('x', ['n']);
 * const [byX] = gradient(sum(mul(x, x)), [x]);
 * ```
 */
export function gradient(loss: Node, wrt: readonly Node[]): Node[] {
  const derivatives = gradientOrNull(loss, wrt);
  return wrt.map((node, i) => derivatives[i] ?? expandAs(0, node));
}

/** As {@link gradient}, but null for a node through which no gradient flows, where zeros would hide a mistake. */
export function gradientOrNull(loss: Node, wrt: readonly Node[]): (Node | null)[] {
  if (loss.shape.length > 0)
    throw invalidArgument('a scalar loss, of shape []', describeShape(loss.shape), 'Reduce it with sum or mean.');
  const integers = wrt.find((node) => node.dtype !== 'float32');
  if (integers !== undefined) throw invalidArgument('float32 nodes to differentiate by', integers.dtype);
  const order = topologicalOrder([loss]);
  const needed = new Set(wrt);
  for (const node of order) if (node.inputs.some((input) => needed.has(input))) needed.add(node);
  const gradients = new Map<Node, Node>([[loss, constant(1)]]);
  for (const node of order.reverse()) {
    const upstream = gradients.get(node);
    if (upstream === undefined || !node.inputs.some((input) => needed.has(input))) continue;
    const parts = derivative(node, upstream);
    node.inputs.forEach((input, index) => {
      const part = parts[index] ?? null;
      if (part === null || !needed.has(input)) return;
      const sum = gradients.get(input);
      gradients.set(input, sum === undefined ? part : add(sum, part));
    });
  }
  return wrt.map((node) => gradients.get(node) ?? null);
}

function derivative<Name extends OperationName>(node: Node<Name>, upstream: Node): readonly (Node | null)[] {
  return rules[node.operation].derivative(node, upstream);
}
