import type { Node } from './node.js';

/** Every node that the given ones depend on, and they, each after its inputs; the same order for the same graph. */
export function topologicalOrder(nodes: readonly Node[]): Node[] {
  const order: Node[] = [];
  const entered = new Set<Node>();
  // A stack of its own, since a sum over thousands of data is a graph as deep.
  const stack = nodes.map((node) => ({ node, done: false })).reverse();
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { node, done } = top;
    if (done) order.push(node);
    else if (!entered.has(node)) {
      entered.add(node);
      stack.push({ node, done: true });
      for (const input of [...node.inputs].reverse()) if (!entered.has(input)) stack.push({ node: input, done: false });
    }
  }
  return order;
}
