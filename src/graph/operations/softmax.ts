import { rowsOf } from '../kernels.js';
import { Node } from '../node.js';
import type { Rule } from '../rule.js';
import { checkAxis } from '../sizes.js';
import { mul } from './mul.js';
import { sub } from './sub.js';
import { sum } from './sum.js';

/** Softmax over the last axis. */
export function softmax(x: Node): Node<'softmax'> {
  checkAxis('softmax', -1, x.shape.length);
  return new Node('softmax', [x], {}, x.shape);
}

/** Evaluation and derivative of {@link softmax}. */
export const softmaxRule: Rule<'softmax'> = {
  value: ([x], _, evaluation) => {
    const { data } = x;
    const { rows, columns } = rowsOf(x);
    const out = evaluation.allocate(data.length);
    for (let from = 0, row = 0; row < rows; row++, from += columns) {
      let max = -Infinity;
      for (let i = from; i < from + columns; i++) max = Math.max(max, data[i] ?? 0);
      let total = 0;
      for (let i = from; i < from + columns; i++) total += out[i] = Math.exp((data[i] ?? 0) - max);
      for (let i = from; i < from + columns; i++) out[i] = (out[i] ?? 0) / total;
    }
    return { data: out, shape: x.shape };
  },
  derivative: (node, gradient) => {
    const weighted = mul(node, gradient);
    return [sub(weighted, mul(node, sum(weighted, -1, true)))];
  },
};
