import { invalidArgument } from '../../errors.js';
import { copyStrided, stridesOf } from '../kernels.js';
import { Node, type Size } from '../node.js';
import type { Rule } from '../rule.js';
import { addSizes, checkAxis, sizeAt } from '../sizes.js';
import { sliceBounds } from '../sliceBounds.js';
import { sliceScatter } from './sliceScatter.js';

/**
 * The part of an axis from `start` to before `end`, as `Array.slice`: negative counts from the end. A named size `n`
 * becomes `n-1` and the like; the axis must then be long enough when the graph runs.
 *
 * @throws TinkerError `invalid_argument` on bounds that are no integers, or that leave a named size unknown.
 * @example
 * ```ts
 * slice(input('logprobs', ['n']), 0, 1); // all but the first, of shape [n-1]
 * ```
 */
export function slice(x: Node, axis: number, start: number, end?: number): Node<'slice'> {
  const at = checkAxis('slice', axis, x.shape.length);
  for (const bound of [start, end ?? 0]) if (!Number.isInteger(bound)) throw invalidArgument('integer bounds', bound);
  const shape = x.shape.with(at, slicedSize(sizeAt(x.shape, at), start, end));
  return new Node('slice', [x], { axis: at, start, ...(end === undefined ? {} : { end }) }, shape, x.dtype);
}

function slicedSize(size: Size, start: number, end: number | undefined): Size {
  if (typeof size === 'number') {
    const [from, to] = sliceBounds(size, start, end);
    return to - from;
  }
  const [fromEnd, toEnd] = [start < 0, end === undefined || end < 0];
  if (fromEnd === toEnd) return Math.max(0, (end ?? 0) - start);
  if (fromEnd) throw invalidArgument(`bounds that give a size for ${size}`, `${String(start)} … ${String(end)}`);
  return addSizes(size, (end ?? 0) - start);
}

/** Evaluation and derivative of {@link slice}. */
export const sliceRule: Rule<'slice'> = {
  value: ([{ data, shape }], { attributes: { axis, start, end } }, evaluation) => {
    const [from, to] = sliceBounds(shape[axis] ?? 1, start, end);
    const strides = stridesOf(shape);
    return copyStrided(data, shape.with(axis, to - from), strides, from * (strides[axis] ?? 0), evaluation);
  },
  derivative: ({ inputs: [x], attributes }, gradient) => [sliceScatter(gradient, x, attributes)],
};
