import { topologicalOrder, type Node, type OperationName } from '../../graph/index.js';

/** Operations that give their input's numbers in another shape, or hold none. */
const views: ReadonlySet<OperationName> = new Set(['reshape', 'unsqueeze', 'squeeze', 'detach', 'constant', 'input']);

/** Open sizes by name: `batch`, `sequence`, …. */
export type Sizes = Readonly<Record<string, number>>;

/**
 * Most bytes that a run of a graph holds at once beside its inputs, by the open sizes, when its nodes run in topological
 * order, the last output's first as in onnxruntime, and each value is dropped after its last use.
 */
export function passBytes(outputs: Readonly<Record<string, Node>>): (sizes: Sizes) => number {
  const order = topologicalOrder(Object.values(outputs).reverse());
  const owner = new Map<Node, Node>();
  const lastUse = new Map<Node, number>();
  const ownerOf = (node: Node): Node => owner.get(node) ?? node;
  order.forEach((node, index) => {
    const [first] = node.inputs;
    if (views.has(node.operation) && first !== undefined) owner.set(node, ownerOf(first));
    for (const input of node.inputs) lastUse.set(ownerOf(input), index);
  });
  for (const node of Object.values(outputs)) lastUse.set(ownerOf(node), order.length);
  const dropped = new Map<number, Node[]>();
  for (const [node, index] of lastUse) dropped.set(index, [...(dropped.get(index) ?? []), node]);
  const steps = order.map((node, index) => ({ node, old: dropped.get(index) ?? [] }));
  return (sizes) => {
    let held = 0;
    let most = 0;
    for (const { node, old } of steps) {
      held += bytesOf(node, sizes);
      most = Math.max(most, held);
      for (const gone of old) held -= bytesOf(gone, sizes);
    }
    return most;
  };
}

function bytesOf({ operation, shape }: Node, sizes: Sizes): number {
  if (views.has(operation)) return 0;
  return shape.reduce<number>((bytes, size) => bytes * (typeof size === 'number' ? size : sizeOf(size, sizes)), 4);
}

/** A named size, or a product of named sizes as a reshape writes it. */
function sizeOf(name: string, sizes: Sizes): number {
  return name.split('*').reduce((product, part) => product * (sizes[part] ?? 1), 1);
}
