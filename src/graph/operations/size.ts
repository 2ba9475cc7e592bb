import { Node } from '../node.js';
import { reduction } from '../reduction.js';
import type { Rule } from '../rule.js';
import { sizeAt } from '../sizes.js';
import { constant } from './constant.js';

/** How many elements the axes hold (all axes if missing), as a float32 scalar; a constant where the sizes are numbers. */
export function size(x: Node, axes?: number | readonly number[]): Node {
  const reduced = reduction('size', x, axes, false).attributes.axes;
  let count = 1;
  for (const axis of reduced) {
    const known = sizeAt(x.shape, axis);
    if (typeof known === 'string') return new Node('size', [x], { axes: reduced }, []);
    count *= known;
  }
  return constant(count);
}

/** Evaluation and derivative of {@link size}. */
export const sizeRule: Rule<'size'> = {
  value: ([x], { attributes: { axes } }, evaluation) => ({
    data: evaluation.allocate(1).fill(axes.reduce((count, axis) => count * (x.shape[axis] ?? 1), 1)),
    shape: [],
  }),
  derivative: () => [null],
};
