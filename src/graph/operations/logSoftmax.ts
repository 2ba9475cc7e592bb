import { rowsOf } from '../kernels.js';
import { Node } from '../node.js';
import type { Rule } from '../rule.js';
import { checkAxis } from '../sizes.js';
import { exp } from './exp.js';
import { mul } from './mul.js';
import { sub } from './sub.js';
import { sum } from './sum.js';

/** Logarithm of the softmax over the last axis. */
export function logSoftmax(x: Node): Node<'logSoftmax'> {
  checkAxis('logSoftmax', -1, x.shape.length);
  return new Node('logSoftmax', [x], {}, x.shape);
}

/** Evaluation and derivative of {@link logSoftmax}. */
export const logSoftmaxRule: Rule<'logSoftmax'> = {
  value: ([x], _, evaluation) => {
    const { data } = x;
    const { rows, columns } = rowsOf(x);
    const out = evaluation.allocate(data.length);
    for (let from = 0, row = 0; row < rows; row++, from += columns) {
      let max = -Infinity;
      for (let i = from; i < from + columns; i++) max = Math.max(max, data[i] ?? 0);
      let total = 0;
      for (let i = from; i < from + columns; i++) total += Math.exp((data[i] ?? 0) - max);
      const shift = Math.log(total);
      for (let i = from; i < from + columns; i++) out[i] = (data[i] ?? 0) - max - shift;
    }
    return { data: out, shape: x.shape };
  },
  derivative: (node, gradient) => [sub(gradient, mul(exp(node), sum(gradient, -1, true)))],
};
