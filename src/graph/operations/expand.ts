import { invalidArgument } from '../../errors.js';
import { broadcastTensor } from '../kernels.js';
import { Node } from '../node.js';
import type { Rule } from '../rule.js';
import { describeShape } from '../sizes.js';
import { sumToShape } from '../sumToShape.js';

/**
 * x repeated along its axes of size 1 to the given sizes; −1 keeps a size.
 *
 * @throws TinkerError `invalid_argument` when an axis to repeat has another size than 1.
 */
export function expand(x: Node, sizes: readonly number[]): Node<'expand'> {
  const fits = x.shape.every((size, axis) => sizes[axis] === -1 || size === 1 || size === sizes[axis]);
  if (sizes.length !== x.shape.length || !fits)
    throw invalidArgument(`sizes to which ${describeShape(x.shape)} expands`, describeShape(sizes));
  const shape = x.shape.map((size, axis) => (sizes[axis] === -1 ? size : (sizes[axis] ?? size)));
  return new Node('expand', [x], { sizes }, shape, x.dtype);
}

/** Evaluation and derivative of {@link expand}. */
export const expandRule: Rule<'expand'> = {
  value: ([x], { attributes: { sizes } }, evaluation) =>
    broadcastTensor(
      x,
      x.shape.map((size, axis) => (sizes[axis] === -1 ? size : (sizes[axis] ?? size))),
      evaluation,
    ),
  derivative: ({ inputs: [x] }, gradient) => [sumToShape(gradient, x.shape)],
};
