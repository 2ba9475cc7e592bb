import { reduceAxes } from '../kernels.js';
import { Node } from '../node.js';
import { reduction } from '../reduction.js';
import type { Rule } from '../rule.js';
import { expandReduced } from './expandAs.js';

/**
 * The sum over axes, or over all of them.
 *
 * @param axes - Axes counted from 0, or from the end as −1, −2, ….
 * @param keepDims - Whether reduced axes stay, with size 1.
 */
export function sum(x: Node, axes?: number | readonly number[], keepDims = false): Node<'sum'> {
  const { attributes, shape } = reduction('sum', x, axes, keepDims);
  return new Node('sum', [x], attributes, shape);
}

/** Evaluation and derivative of {@link sum}. */
export const sumRule: Rule<'sum'> = {
  value: ([x], { attributes }, evaluation) =>
    reduceAxes(x, attributes, evaluation, (data, from, to) => {
      let total = 0;
      for (let i = from; i < to; i++) total += data[i] ?? 0;
      return total;
    }),
  derivative: ({ inputs: [x], attributes }, gradient) => [expandReduced(gradient, x, attributes)],
};
