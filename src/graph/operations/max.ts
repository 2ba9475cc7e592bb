import { reduceAxes } from '../kernels.js';
import { Node } from '../node.js';
import { reduction } from '../reduction.js';
import type { Rule } from '../rule.js';
import { div } from './div.js';
import { eq } from './eq.js';
import { expandReduced } from './expandAs.js';
import { mul } from './mul.js';
import { sum } from './sum.js';

/**
 * The largest value over axes, or over all of them (PyTorch's `amax`: equal largest values share the gradient evenly).
 *
 * @param axes - Axes counted from 0, or from the end as −1, −2, ….
 * @param keepDims - Whether reduced axes stay, with size 1.
 */
export function max(x: Node, axes?: number | readonly number[], keepDims = false): Node<'max'> {
  const { attributes, shape } = reduction('max', x, axes, keepDims);
  return new Node('max', [x], attributes, shape);
}

/** Evaluation and derivative of {@link max}. */
export const maxRule: Rule<'max'> = {
  value: ([x], { attributes }, evaluation) =>
    reduceAxes(x, attributes, evaluation, (data, from, to) => {
      let largest = -Infinity;
      for (let i = from; i < to; i++) largest = Math.max(largest, data[i] ?? 0);
      return largest;
    }),
  derivative: (node, gradient) => {
    const {
      inputs: [x],
      attributes,
    } = node;
    const mask = eq(x, expandReduced(node, x, attributes));
    const share = div(gradient, sum(mask, attributes.axes, attributes.keepDims));
    return [mul(mask, expandReduced(share, x, attributes))];
  },
};
