import { invalidArgument } from '../../errors.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { describeShape } from '../sizes.js';
import { elements } from '../tensor.js';

/**
 * A fixed number, or a fixed tensor in row-major order.
 *
 * @param shape - Sizes of a tensor; one axis if missing. A number is a scalar.
 * @throws TinkerError `invalid_argument` when the shape does not hold the values.
 * @example
 * ```ts
 * constant(0.5);
 * constant(new Float32Array([1, 2, 3, 4]), [2, 2]);
 * ```
 */
export function constant(
  value: number | Float32Array | Int32Array,
  shape: readonly number[] = typeof value === 'number' ? [] : [value.length],
): Node<'constant'> {
  const length = typeof value === 'number' ? 1 : value.length;
  if (elements(shape) !== length || (typeof value === 'number' && shape.length > 0))
    throw invalidArgument(`a shape of ${String(length)} elements for a constant`, describeShape(shape));
  return new Node('constant', [], { value }, shape, value instanceof Int32Array ? 'int32' : 'float32');
}

/** The node of an operand: a number becomes a constant. */
export function toNode(operand: Operand): Node {
  return typeof operand === 'number' ? constant(operand) : operand;
}

/** Evaluation of {@link constant}. */
export const constantRule: Rule<'constant'> = {
  value: (_, { attributes: { value }, shape }, evaluation) => ({
    data: typeof value === 'number' ? evaluation.allocate(1).fill(value) : value,
    shape: evaluation.resolve(shape, typeof value === 'number' ? 1 : value.length),
  }),
  derivative: () => [],
};
