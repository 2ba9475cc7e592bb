import { mapElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { mul } from './mul.js';
import { sub } from './sub.js';
import { toNode } from './constant.js';

/** Hyperbolic tangent. */
export function tanh(x: Operand): Node<'tanh'> {
  const node = toNode(x);
  return new Node('tanh', [node], {}, node.shape);
}

/** Evaluation and derivative of {@link tanh}. */
export const tanhRule: Rule<'tanh'> = {
  value: ([x], _, evaluation) => mapElements(x, evaluation, Math.tanh),
  derivative: (node, gradient) => [mul(gradient, sub(1, mul(node, node)))],
};
