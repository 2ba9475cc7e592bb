import { add, mul, slice, topologicalOrder, withInputs, type Node } from '../../graph/index.js';

/** What lies between the layers of a decoder. */
export interface LayerBoundaries {
  /** The first layer's input, then each layer's output. */
  readonly states: readonly Node[];
  /** The derivatives by each layer's output. */
  readonly derivatives: readonly Node[];
}

/**
 * The same outputs, but derivatives compute what they need from within a layer once more from the layer's input, instead
 * of what the forward pass held until then: a pass holds the inputs of all layers and the inside of one.
 * (Chen et al. 2016, arXiv:1604.06174)
 */
export function recomputeLayers(
  outputs: Readonly<Record<string, Node>>,
  { states, derivatives }: LayerBoundaries,
): Readonly<Record<string, Node>> {
  const forward = topologicalOrder(states);
  const bounds = new Map(states.map((state, layer) => [state, layer]));
  /** The layer that a node of the forward pass lies within. */
  const layerOf = new Map<Node, number>();
  for (const node of forward) {
    if (bounds.has(node)) continue;
    const layers = node.inputs.flatMap((input) => bounds.get(input) ?? layerOf.get(input) ?? []);
    if (layers.length > 0) layerOf.set(node, Math.max(...layers));
  }
  const kept = new Set(forward);
  const made = new Map<Node, Node>();
  const remember = (node: Node, make: () => Node): Node => {
    const known = made.get(node) ?? make();
    made.set(node, known);
    return known;
  };
  /** A layer's input, once the derivative by its output is there: before, nothing is computed from it anew. */
  const restart = (layer: number): Node | undefined => {
    const [state, derivative] = [states[layer], derivatives[layer]];
    if (state === undefined || derivative === undefined) return undefined;
    return remember(state, () => add(state, mul(corner(replace(derivative)), 0)));
  };
  const replace = (node: Node): Node => {
    const layer = layerOf.get(node);
    if (layer === undefined && kept.has(node)) return node;
    return remember(node, () => {
      const inputs = node.inputs.map((input) =>
        layer !== undefined && bounds.get(input) === layer ? (restart(layer) ?? input) : replace(input),
      );
      return inputs.every((input, i) => input === node.inputs[i]) ? node : withInputs(node, inputs);
    });
  };
  for (const node of topologicalOrder(Object.values(outputs))) if (!kept.has(node)) replace(node);
  return Object.fromEntries(Object.entries(outputs).map(([name, node]) => [name, replace(node)]));
}

/** One element, with as many axes. */
function corner(x: Node): Node {
  return x.shape.reduce<Node>((rest, _, axis) => slice(rest, axis, 0, 1), x);
}
