import { invalidArgument } from '../../errors.js';
import { broadcastTensor, rowsOf } from '../kernels.js';
import { Node } from '../node.js';
import type { Rule } from '../rule.js';
import { broadcastShapes, describeShape, sameShape } from '../sizes.js';

/**
 * Rotary position embedding, halves form: x · cos + [−x₂, x₁] · sin, where x₁ and x₂ are the halves of the last axis.
 * cos and sin broadcast to x; their last axis holds every angle twice, once in each half. No gradient flows to them.
 * (Su et al. 2021, arXiv:2104.09864)
 *
 * @param inverse - Rotate back, which is also the derivative.
 * @throws TinkerError `invalid_argument` when cos or sin does not broadcast to x, or the last axis is odd.
 */
export function rope(x: Node, cos: Node, sin: Node, inverse = false): Node<'rope'> {
  const last = x.shape.at(-1);
  if (typeof last !== 'number' || last % 2 !== 0)
    throw invalidArgument('an even last size for rope', describeShape(x.shape));
  for (const angles of [cos, sin])
    if (!sameShape(broadcastShapes('rope', x.shape, angles.shape), x.shape) || angles.shape.at(-1) !== last)
      throw invalidArgument(`angles that broadcast to ${describeShape(x.shape)}`, describeShape(angles.shape));
  return new Node('rope', [x, cos, sin], { inverse }, x.shape);
}

/** Evaluation and derivative of {@link rope}. */
export const ropeRule: Rule<'rope'> = {
  value: ([x, cos, sin], { attributes: { inverse } }, evaluation) => {
    const { data } = x;
    const c = broadcastTensor(cos, x.shape, evaluation).data;
    const s = broadcastTensor(sin, x.shape, evaluation).data;
    const { rows, columns } = rowsOf(x);
    const half = columns / 2;
    const turn = inverse ? -1 : 1;
    const out = evaluation.allocate(data.length);
    for (let row = 0; row < rows; row++)
      for (let i = row * columns, j = i + half; j < (row + 1) * columns; i++, j++) {
        const [a, b] = [data[i] ?? 0, data[j] ?? 0];
        out[i] = a * (c[i] ?? 0) - turn * b * (s[i] ?? 0);
        out[j] = b * (c[j] ?? 0) + turn * a * (s[j] ?? 0);
      }
    return { data: out, shape: x.shape };
  },
  derivative: ({ inputs: [, cos, sin], attributes: { inverse } }, gradient) => [
    rope(gradient, cos, sin, !inverse),
    null,
    null,
  ],
};
