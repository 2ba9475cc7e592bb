import { mapElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { mul } from './mul.js';
import { sign } from './sign.js';
import { toNode } from './constant.js';

/** |x|. The derivative at 0 is 0. */
export function abs(x: Operand): Node<'abs'> {
  const node = toNode(x);
  return new Node('abs', [node], {}, node.shape);
}

/** Evaluation and derivative of {@link abs}. */
export const absRule: Rule<'abs'> = {
  value: ([x], _, evaluation) => mapElements(x, evaluation, Math.abs),
  derivative: ({ inputs: [x] }, gradient) => [mul(gradient, sign(x))],
};
