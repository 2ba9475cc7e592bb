import { mapElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { div } from './div.js';
import { mul } from './mul.js';
import { toNode } from './constant.js';

/** Square root. */
export function sqrt(x: Operand): Node<'sqrt'> {
  const node = toNode(x);
  return new Node('sqrt', [node], {}, node.shape);
}

/** Evaluation and derivative of {@link sqrt}. */
export const sqrtRule: Rule<'sqrt'> = {
  value: ([x], _, evaluation) => mapElements(x, evaluation, Math.sqrt),
  derivative: (node, gradient) => [div(gradient, mul(2, node))],
};
