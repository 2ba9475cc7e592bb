import { reduceAxes } from '../kernels.js';
import { Node } from '../node.js';
import { reduction } from '../reduction.js';
import type { Rule } from '../rule.js';
import { div } from './div.js';
import { mul } from './mul.js';
import { neg } from './neg.js';
import { size } from './size.js';

/** 1 / √(mean(x²) + eps) over the last axis, which stays with size 1. */
export function inverseRms(x: Node, eps: number): Node<'inverseRms'> {
  return new Node('inverseRms', [x], { eps }, reduction('rmsNorm', x, -1, true).shape);
}

/** Evaluation and derivative of {@link inverseRms}. */
export const inverseRmsRule: Rule<'inverseRms'> = {
  value: ([x], { attributes: { eps } }, evaluation) =>
    reduceAxes(x, { axes: [x.shape.length - 1], keepDims: true }, evaluation, (data, from, to) => {
      let total = 0;
      for (let i = from; i < to; i++) total += (data[i] ?? 0) ** 2;
      return 1 / Math.sqrt(total / (to - from) + eps);
    }),
  derivative: (node, gradient) => {
    const [x] = node.inputs;
    const cube = mul(node, mul(node, node));
    return [neg(mul(div(mul(gradient, cube), size(x, -1)), x))];
  },
};
