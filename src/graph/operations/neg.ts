import { mapElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { toNode } from './constant.js';

/** −x. */
export function neg(x: Operand): Node<'neg'> {
  const node = toNode(x);
  return new Node('neg', [node], {}, node.shape);
}

/** Evaluation and derivative of {@link neg}. */
export const negRule: Rule<'neg'> = {
  value: ([x], _, evaluation) => mapElements(x, evaluation, (value) => -value),
  derivative: (_, gradient) => [neg(gradient)],
};
