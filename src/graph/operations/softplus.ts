import { mapElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { mul } from './mul.js';
import { sigmoid } from './sigmoid.js';
import { toNode } from './constant.js';

/** ln(1 + eˣ), without overflow. */
export function softplus(x: Operand): Node<'softplus'> {
  const node = toNode(x);
  return new Node('softplus', [node], {}, node.shape);
}

/** Evaluation and derivative of {@link softplus}. */
export const softplusRule: Rule<'softplus'> = {
  value: ([x], _, evaluation) =>
    mapElements(x, evaluation, (value) => Math.max(value, 0) + Math.log1p(Math.exp(-Math.abs(value)))),
  derivative: ({ inputs: [x] }, gradient) => [mul(gradient, sigmoid(x))],
};
