import { mapElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { add } from './add.js';
import { mul } from './mul.js';
import { toNode } from './constant.js';

/** eˣ − 1, exact near 0. */
export function expm1(x: Operand): Node<'expm1'> {
  const node = toNode(x);
  return new Node('expm1', [node], {}, node.shape);
}

/** Evaluation and derivative of {@link expm1}. */
export const expm1Rule: Rule<'expm1'> = {
  value: ([x], _, evaluation) => mapElements(x, evaluation, Math.expm1),
  derivative: (node, gradient) => [mul(gradient, add(node, 1))],
};
