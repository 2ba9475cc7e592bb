import { mapElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { mul } from './mul.js';
import { neg } from './neg.js';
import { sigmoid } from './sigmoid.js';
import { toNode } from './constant.js';

/** ln sigmoid(x), without overflow. */
export function logsigmoid(x: Operand): Node<'logsigmoid'> {
  const node = toNode(x);
  return new Node('logsigmoid', [node], {}, node.shape);
}

/** Evaluation and derivative of {@link logsigmoid}. */
export const logsigmoidRule: Rule<'logsigmoid'> = {
  value: ([x], _, evaluation) =>
    mapElements(x, evaluation, (value) => Math.min(value, 0) - Math.log1p(Math.exp(-Math.abs(value)))),
  derivative: ({ inputs: [x] }, gradient) => [mul(gradient, sigmoid(neg(x)))],
};
