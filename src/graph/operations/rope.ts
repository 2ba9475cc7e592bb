import { invalidArgument } from '../../errors.js';
import { checkIndices, checkInt32 } from '../checkIndices.js';
import { Node } from '../node.js';
import type { Rule } from '../rule.js';
import { describeShape, sameShape } from '../sizes.js';

/**
 * Rotary position embedding, halves form, of heads that lie side by side: x [batch, sequence, heads · c], where the two
 * halves (a, b) of each head become (a · cos − b · sin, b · cos + a · sin). cos and sin [n, c / 2] hold the angles of
 * n positions, of which the int32 positions [batch, sequence] choose. No gradient flows to the angles.
 * (Su et al. 2021, arXiv:2104.09864)
 *
 * @param inverse - Rotate back, which is also the derivative.
 * @throws TinkerError `invalid_argument` when shapes don't fit, or (when it runs) a position has no angles.
 */
export function rope(x: Node, cos: Node, sin: Node, positions: Node, inverse = false): Node<'rope'> {
  checkInt32('rope', positions);
  const [, half] = cos.shape;
  const width = x.shape.at(-1);
  if (typeof half !== 'number' || cos.shape.length !== 2 || !sameShape(cos.shape, sin.shape))
    throw invalidArgument('cosines and sines [positions, half a head] for rope', describeShape(cos.shape));
  if (x.shape.length !== 3 || typeof width !== 'number' || width % (2 * half) !== 0)
    throw invalidArgument(`[batch, sequence, heads · ${String(2 * half)}] for rope`, describeShape(x.shape));
  if (!sameShape(positions.shape, x.shape.slice(0, 2)))
    throw invalidArgument(`positions ${describeShape(x.shape.slice(0, 2))} for rope`, describeShape(positions.shape));
  return new Node('rope', [x, cos, sin, positions], { inverse }, x.shape);
}

/** Evaluation and derivative of {@link rope}. */
export const ropeRule: Rule<'rope'> = {
  value: ([x, cos, sin, positions], { attributes: { inverse } }, evaluation) => {
    const { data } = x;
    const [count = 0, half = 1] = cos.shape;
    checkIndices('rope', positions.data, count);
    const width = x.shape[2] ?? 0;
    const turn = inverse ? -1 : 1;
    const out = evaluation.allocate(data.length);
    positions.data.forEach((position, row) => {
      for (let i = 0; i < width; i++) {
        const place = i % (2 * half);
        if (place >= half) continue;
        const [c, s] = [cos.data[position * half + place] ?? 0, sin.data[position * half + place] ?? 0];
        const at = row * width + i;
        const [a, b] = [data[at] ?? 0, data[at + half] ?? 0];
        out[at] = a * c - turn * b * s;
        out[at + half] = b * c + turn * a * s;
      }
    });
    return { data: out, shape: x.shape };
  },
  derivative: ({ inputs: [, cos, sin, positions], attributes: { inverse } }, gradient) => [
    rope(gradient, cos, sin, positions, !inverse),
    null,
    null,
    null,
  ],
};
