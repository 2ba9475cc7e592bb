import { mapElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { add } from './add.js';
import { div } from './div.js';
import { toNode } from './constant.js';

/** ln(1 + x), exact near 0. */
export function log1p(x: Operand): Node<'log1p'> {
  const node = toNode(x);
  return new Node('log1p', [node], {}, node.shape);
}

/** Evaluation and derivative of {@link log1p}. */
export const log1pRule: Rule<'log1p'> = {
  value: ([x], _, evaluation) => mapElements(x, evaluation, Math.log1p),
  derivative: ({ inputs: [x] }, gradient) => [div(gradient, add(x, 1))],
};
