import { Node } from '../node.js';
import type { Rule } from '../rule.js';

/** The same value, taken as a constant: no gradient flows through it. */
export function detach(x: Node): Node<'detach'> {
  return new Node('detach', [x], {}, x.shape, x.dtype);
}

/** Evaluation of {@link detach}. */
export const detachRule: Rule<'detach'> = {
  value: ([x]) => x,
  derivative: () => [null],
};
