import { reduceAxes } from '../kernels.js';
import { Node } from '../node.js';
import { reduction } from '../reduction.js';
import type { Rule } from '../rule.js';
import { div } from './div.js';
import { expandReduced } from './expandAs.js';
import { size } from './size.js';

/**
 * The mean over axes, or over all of them.
 *
 * @param axes - Axes counted from 0, or from the end as −1, −2, ….
 * @param keepDims - Whether reduced axes stay, with size 1.
 */
export function mean(x: Node, axes?: number | readonly number[], keepDims = false): Node<'mean'> {
  const { attributes, shape } = reduction('mean', x, axes, keepDims);
  return new Node('mean', [x], attributes, shape);
}

/** Evaluation and derivative of {@link mean}. */
export const meanRule: Rule<'mean'> = {
  value: ([x], { attributes }, evaluation) =>
    reduceAxes(x, attributes, evaluation, (data, from, to) => {
      let total = 0;
      for (let i = from; i < to; i++) total += data[i] ?? 0;
      return total / (to - from);
    }),
  derivative: ({ inputs: [x], attributes }, gradient) => [
    expandReduced(div(gradient, size(x, attributes.axes)), x, attributes),
  ],
};
