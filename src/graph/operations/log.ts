import { mapElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { toNode } from './constant.js';
import { div } from './div.js';

/** Natural logarithm. */
export function log(x: Operand): Node<'log'> {
  const node = toNode(x);
  return new Node('log', [node], {}, node.shape);
}

/** Evaluation and derivative of {@link log}. */
export const logRule: Rule<'log'> = {
  value: ([x], _, evaluation) => mapElements(x, evaluation, Math.log),
  derivative: ({ inputs: [x] }, gradient) => [div(gradient, x)],
};
