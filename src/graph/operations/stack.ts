import type { Node } from '../node.js';
import { concat } from './concat.js';
import { unsqueeze } from './unsqueeze.js';

/**
 * Tensors of one shape joined along a new axis, which is `axis` of the result.
 *
 * @throws TinkerError `invalid_argument` when there is none, or their shapes or dtypes differ.
 */
export function stack(nodes: readonly Node[], axis = 0): Node<'concat'> {
  return concat(
    nodes.map((node) => unsqueeze(node, axis)),
    axis,
  );
}
