import { invalidArgument } from '../../errors.js';
import { copyStrided, stridesOf } from '../kernels.js';
import { Node } from '../node.js';
import type { Rule } from '../rule.js';
import { describeShape, sizeAt } from '../sizes.js';

/**
 * x with its axes in another order: axis i of the result is axis `permutation[i]` of x.
 *
 * @throws TinkerError `invalid_argument` when the permutation does not name every axis once.
 */
export function transpose(x: Node, permutation: readonly number[]): Node<'transpose'> {
  if (permutation.toSorted((a, b) => a - b).join() !== x.shape.map((_, axis) => axis).join())
    throw invalidArgument(`a permutation of the axes of ${describeShape(x.shape)}`, describeShape(permutation));
  const shape = permutation.map((axis) => sizeAt(x.shape, axis));
  return new Node('transpose', [x], { permutation }, shape, x.dtype);
}

/** Evaluation and derivative of {@link transpose}. */
export const transposeRule: Rule<'transpose'> = {
  value: ([{ data, shape }], { attributes: { permutation } }, evaluation) => {
    const strides = stridesOf(shape);
    return copyStrided(
      data,
      permutation.map((axis) => shape[axis] ?? 1),
      permutation.map((axis) => strides[axis] ?? 0),
      0,
      evaluation,
    );
  },
  derivative: ({ attributes: { permutation } }, gradient) => [
    transpose(
      gradient,
      permutation.map((_, axis) => permutation.indexOf(axis)),
    ),
  ],
};
