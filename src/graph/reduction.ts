import type { Node, Operations, Shape } from './node.js';
import { checkAxis } from './sizes.js';

/** Attributes and shape of a reduction over some axes, or all. */
export function reduction(
  operation: string,
  x: Node,
  axes: number | readonly number[] | undefined,
  keepDims: boolean,
): { readonly attributes: Operations['sum']['attributes']; readonly shape: Shape } {
  const rank = x.shape.length;
  const given = axes === undefined ? x.shape.map((_, axis) => axis) : typeof axes === 'number' ? [axes] : axes;
  const reduced = [...new Set(given.map((axis) => checkAxis(operation, axis, rank)))].sort((a, b) => a - b);
  return {
    attributes: { axes: reduced, keepDims },
    shape: keepDims
      ? x.shape.map((size, axis) => (reduced.includes(axis) ? 1 : size))
      : x.shape.filter((_, axis) => !reduced.includes(axis)),
  };
}
