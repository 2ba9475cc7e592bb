import { invalidArgument } from '../../errors.js';
import { Node, type DType, type Shape } from '../node.js';
import type { Rule } from '../rule.js';

/**
 * A tensor that is given by name when the graph runs.
 *
 * @param shape - Sizes, or names for sizes that are known only then.
 * @throws TinkerError `invalid_argument` on an empty name or a size that is neither.
 * @example
 * ```ts
 * const tokens = input('tokens', ['batch', 'sequence'], 'int32');
 * ```
 */
export function input(name: string, shape: Shape, dtype: DType = 'float32'): Node<'input'> {
  if (name === '') throw invalidArgument('a name for an input', name);
  for (const size of shape)
    if (typeof size === 'number' ? !Number.isInteger(size) || size < 0 : size === '')
      throw invalidArgument(`integers from 0 or names as sizes of ${name}`, size);
  return new Node('input', [], { name }, shape, dtype);
}

/** Evaluation of {@link input}. */
export const inputRule: Rule<'input'> = {
  value: (_, node, evaluation) => evaluation.feed(node),
  derivative: () => [],
};
