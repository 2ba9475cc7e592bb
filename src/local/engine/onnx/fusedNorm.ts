import { isOperation, type Node } from '../../../graph/index.js';
import type { Emitter } from './emitter.js';

/**
 * Writes a weight times an RMS norm as one node of the runtime, where nothing else uses the parts; gives the name of the
 * value, or undefined where the node is another.
 */
export function fusedNorm(
  emitter: Emitter,
  node: Node,
  nameOf: (node: Node) => string,
  usesOf: (node: Node) => number,
): string | undefined {
  if (!isOperation(node, 'mul')) return undefined;
  const [normed, weight] = node.inputs;
  if (!isOperation(normed, 'rmsNorm') || usesOf(normed) > 1 || weight.shape.length !== 1) return undefined;
  const [x, scale] = normed.inputs;
  if (usesOf(scale) > 1) return undefined;
  const attributes = { axis: -1, epsilon: { float: scale.attributes.eps } };
  return emitter.emit('SimplifiedLayerNormalization', [nameOf(x), nameOf(weight)], attributes);
}
