import { Node } from '../node.js';
import type { Rule } from '../rule.js';
import { checkAxis } from '../sizes.js';

/** x with a new axis of size 1, which is `axis` of the result. */
export function unsqueeze(x: Node, axis: number): Node<'unsqueeze'> {
  const at = checkAxis('unsqueeze', axis, x.shape.length + 1);
  return new Node('unsqueeze', [x], { axis: at }, x.shape.toSpliced(at, 0, 1), x.dtype);
}

/** Evaluation and derivative of {@link unsqueeze}. */
export const unsqueezeRule: Rule<'unsqueeze'> = {
  value: ([{ data, shape }], { attributes: { axis } }) => ({ data, shape: shape.toSpliced(axis, 0, 1) }),
  derivative: ({ inputs: [x], attributes }, gradient) => [new Node('squeeze', [gradient], attributes, x.shape)],
};
