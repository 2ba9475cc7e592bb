import { stridesOf } from '../kernels.js';
import { Node } from '../node.js';
import type { Rule } from '../rule.js';
import { checkAxis } from '../sizes.js';

/**
 * Running sums along an axis.
 *
 * @param reverse - From the end to the start, which is also the derivative of the other.
 */
export function cumsum(x: Node, axis: number, reverse = false): Node<'cumsum'> {
  return new Node('cumsum', [x], { axis: checkAxis('cumsum', axis, x.shape.length), reverse }, x.shape);
}

/** Evaluation and derivative of {@link cumsum}. */
export const cumsumRule: Rule<'cumsum'> = {
  value: ([{ data, shape }], { attributes: { axis, reverse } }, evaluation) => {
    const out = evaluation.allocate(data.length);
    const stride = stridesOf(shape)[axis] ?? 1;
    const count = shape[axis] ?? 1;
    const step = reverse ? -stride : stride;
    for (let start = 0; start < data.length; start++) {
      if (Math.floor(start / stride) % count !== 0) continue;
      let total = 0;
      for (let n = 0, i = reverse ? start + (count - 1) * stride : start; n < count; n++, i += step)
        out[i] = total += data[i] ?? 0;
    }
    return { data: out, shape };
  },
  derivative: ({ attributes: { axis, reverse } }, gradient) => [cumsum(gradient, axis, !reverse)],
};
