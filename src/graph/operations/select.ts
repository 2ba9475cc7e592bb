import { invalidArgument } from '../../errors.js';
import type { Node } from '../node.js';
import { checkAxis, sizeAt } from '../sizes.js';
import { slice } from './slice.js';
import { squeeze } from './squeeze.js';

/**
 * One place of an axis, which is gone from the result; −1 is the last.
 *
 * @throws TinkerError `invalid_argument` when the axis, or (where its size is known) the place, does not exist.
 */
export function select(x: Node, axis: number, index: number): Node<'squeeze'> {
  const at = checkAxis('select', axis, x.shape.length);
  const size = sizeAt(x.shape, at);
  if (typeof size === 'number' && (index < -size || index >= size))
    throw invalidArgument(`an index from ${String(-size)} to ${String(size - 1)} for select`, index);
  return squeeze(slice(x, at, index, index === -1 ? undefined : index + 1), at);
}
