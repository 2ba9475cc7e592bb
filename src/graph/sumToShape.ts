import { Node, type Shape } from './node.js';
import { sameShape } from './sizes.js';

/** Sums a gradient over the axes along which a value of `shape` was broadcast. */
export function sumToShape(gradient: Node, shape: Shape): Node {
  if (sameShape(gradient.shape, shape)) return gradient;
  const lead = gradient.shape.length - shape.length;
  const leading = Array.from({ length: lead }, (_, axis) => axis);
  const summed =
    lead === 0 ? gradient : new Node('sum', [gradient], { axes: leading, keepDims: false }, gradient.shape.slice(lead));
  const axes = shape.flatMap((size, axis) => (size === 1 && summed.shape[axis] !== 1 ? [axis] : []));
  return axes.length === 0 ? summed : new Node('sum', [summed], { axes, keepDims: true }, shape);
}
