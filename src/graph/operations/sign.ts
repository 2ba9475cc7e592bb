import { mapElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { toNode } from './constant.js';

/** −1, 0 or 1. Its derivative is 0. */
export function sign(x: Operand): Node<'sign'> {
  const node = toNode(x);
  return new Node('sign', [node], {}, node.shape);
}

/** Evaluation and derivative of {@link sign}. */
export const signRule: Rule<'sign'> = {
  value: ([x], _, evaluation) => mapElements(x, evaluation, Math.sign),
  derivative: () => [null],
};
