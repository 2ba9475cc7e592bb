import { stridesOf } from '../kernels.js';
import { Node, type Operations } from '../node.js';
import type { Rule } from '../rule.js';
import { sliceBounds } from '../sliceBounds.js';

/** Zeros shaped like a tensor, with a part where slice took it: the derivative of slice. */
export function sliceScatter(
  part: Node,
  like: Node,
  attributes: Operations['slice']['attributes'],
): Node<'sliceScatter'> {
  return new Node('sliceScatter', [part, like], attributes, like.shape);
}

/** Evaluation and derivative of {@link sliceScatter}. */
export const sliceScatterRule: Rule<'sliceScatter'> = {
  value: ([part, like], { attributes: { axis, start, end } }, evaluation) => {
    const [from] = sliceBounds(like.shape[axis] ?? 1, start, end);
    const out = evaluation.allocate(like.data.length);
    const stride = stridesOf(like.shape)[axis] ?? 1;
    const width = (part.shape[axis] ?? 1) * stride;
    const outer = (like.shape[axis] ?? 1) * stride;
    for (let row = 0, to = from * stride; row * width < part.data.length; row++, to += outer)
      out.set(part.data.subarray(row * width, (row + 1) * width), to);
    return { data: out, shape: like.shape };
  },
  derivative: ({ inputs: [part], attributes }, gradient) => [
    new Node('slice', [gradient], attributes, part.shape),
    null,
  ],
};
