import { mapElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { toNode } from './constant.js';
import { mul } from './mul.js';
import { sub } from './sub.js';

/** 1 / (1 + e⁻ˣ). */
export function sigmoid(x: Operand): Node<'sigmoid'> {
  const node = toNode(x);
  return new Node('sigmoid', [node], {}, node.shape);
}

/** Evaluation and derivative of {@link sigmoid}. */
export const sigmoidRule: Rule<'sigmoid'> = {
  value: ([x], _, evaluation) => mapElements(x, evaluation, (value) => 1 / (1 + Math.exp(-value))),
  derivative: (node, gradient) => [mul(gradient, mul(node, sub(1, node)))],
};
