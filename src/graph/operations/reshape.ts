import { invalidArgument } from '../../errors.js';
import { Node, type Shape } from '../node.js';
import type { Rule } from '../rule.js';
import { describeShape, multiplySizes } from '../sizes.js';

/**
 * The same elements in another shape. Names that x does not have yet follow from the number of elements when the
 * graph runs; at most one such name.
 *
 * @throws TinkerError `invalid_argument` when the sizes are known and hold another number of elements.
 */
export function reshape(x: Node, shape: Shape): Node<'reshape'> {
  const [from, to] = [multiplySizes(...x.shape), multiplySizes(...shape)];
  if (typeof from === 'number' && typeof to === 'number' && from !== to)
    throw invalidArgument(`a shape of ${String(from)} elements, as ${describeShape(x.shape)}`, describeShape(shape));
  return new Node('reshape', [x], {}, shape, x.dtype);
}

/** Evaluation and derivative of {@link reshape}. */
export const reshapeRule: Rule<'reshape'> = {
  value: ([{ data }], { shape }, evaluation) => ({ data, shape: evaluation.resolve(shape, data.length) }),
  derivative: ({ inputs: [x] }, gradient) => [reshape(gradient, x.shape)],
};
