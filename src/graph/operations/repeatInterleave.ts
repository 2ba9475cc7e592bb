import { invalidArgument } from '../../errors.js';
import type { Node } from '../node.js';
import { checkAxis, multiplySizes, sizeAt } from '../sizes.js';
import { expand } from './expand.js';
import { reshape } from './reshape.js';
import { unsqueeze } from './unsqueeze.js';

/**
 * Each element along an axis repeated in place: [a, b] twice is [a, a, b, b]. With the axis of key and value heads
 * this is grouped-query attention; its derivative sums over each group. x itself for one repeat.
 *
 * @throws TinkerError `invalid_argument` when repeats is no integer from 1.
 */
export function repeatInterleave(x: Node, repeats: number, axis: number): Node {
  const at = checkAxis('repeatInterleave', axis, x.shape.length);
  if (!Number.isInteger(repeats) || repeats < 1) throw invalidArgument('repeats from 1', repeats);
  if (repeats === 1) return x;
  const wide = expand(unsqueeze(x, at + 1), [...x.shape.map(() => -1)].toSpliced(at + 1, 0, repeats));
  return reshape(wide, x.shape.with(at, multiplySizes(sizeAt(x.shape, at), repeats)));
}
