import { invalidArgument } from '../../errors.js';
import { Node } from '../node.js';
import type { Rule } from '../rule.js';
import { checkAxis, describeShape } from '../sizes.js';
import { unsqueeze } from './unsqueeze.js';

/**
 * x without an axis of size 1.
 *
 * @throws TinkerError `invalid_argument` when the axis has another size.
 */
export function squeeze(x: Node, axis: number): Node<'squeeze'> {
  const at = checkAxis('squeeze', axis, x.shape.length);
  if (x.shape[at] !== 1) throw invalidArgument(`size 1 at axis ${String(axis)} for squeeze`, describeShape(x.shape));
  return new Node('squeeze', [x], { axis: at }, x.shape.toSpliced(at, 1), x.dtype);
}

/** Evaluation and derivative of {@link squeeze}. */
export const squeezeRule: Rule<'squeeze'> = {
  value: ([{ data, shape }], { attributes: { axis } }) => ({ data, shape: shape.toSpliced(axis, 1) }),
  derivative: ({ attributes: { axis } }, gradient) => [unsqueeze(gradient, axis)],
};
