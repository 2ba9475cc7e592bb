import { mapElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { toNode } from './constant.js';
import { mul } from './mul.js';

/** eˣ. */
export function exp(x: Operand): Node<'exp'> {
  const node = toNode(x);
  return new Node('exp', [node], {}, node.shape);
}

/** Evaluation and derivative of {@link exp}. */
export const expRule: Rule<'exp'> = {
  value: ([x], _, evaluation) => mapElements(x, evaluation, Math.exp),
  derivative: (node, gradient) => [mul(gradient, node)],
};
