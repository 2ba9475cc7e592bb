import { invalidArgument } from '../errors.js';
import type { Shape, Size } from './node.js';

/** A shape as text, for messages: `[batch, 4]`. */
export function describeShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** Whether two shapes have the same sizes and names. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/**
 * The shape to which shapes broadcast, by PyTorch's rules; equal names match, and a name matches 1.
 *
 * @throws TinkerError `invalid_argument` when they don't broadcast.
 */
export function broadcastShapes<S extends Size>(operation: string, ...shapes: readonly (readonly S[])[]): (S | 1)[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    let wide: S | 1 = 1;
    for (const shape of shapes) {
      const size = shape[axis - rank + shape.length] ?? 1;
      if (size === 1 || size === wide) continue;
      if (wide !== 1)
        throw invalidArgument(
          `shapes that broadcast for ${operation}`,
          shapes.map(describeShape).join(' and '),
          'Sizes must be equal or 1, aligned at the last axis.',
        );
      wide = size;
    }
    return wide;
  });
}

/**
 * An axis counted from 0; −1 is the last.
 *
 * @throws TinkerError `invalid_argument` when the shape has no such axis.
 */
export function checkAxis(operation: string, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
    throw invalidArgument(`an axis from ${String(-rank)} to ${String(rank - 1)} for ${operation}`, axis);
  return axis < 0 ? axis + rank : axis;
}

/** The size of an axis, which the caller knows to exist. */
export function sizeAt(shape: Shape, axis: number): Size {
  const size = shape.at(axis);
  if (size === undefined) throw invalidArgument(`a shape with axis ${String(axis)}`, describeShape(shape));
  return size;
}

/** The sum of sizes: a number, or a name such as `past+sequence` or `n-1` (names in order, then the number). */
export function addSizes(...sizes: readonly Size[]): Size {
  let offset = 0;
  const names: string[] = [];
  for (const size of sizes)
    for (const term of typeof size === 'number' ? [String(size)] : (size.match(/[+-]?(?:\([^)]*\)|[^+-])+/g) ?? [])) {
      const value = Number(term);
      if (Number.isNaN(value)) names.push(term.replace(/^\+/, ''));
      else offset += value;
    }
  if (names.length === 0) return offset;
  const sum = names.sort().join('+');
  return offset === 0 ? sum : `${sum}${offset > 0 ? '+' : ''}${String(offset)}`;
}

/** The product of sizes: a number, or a name such as `4*batch*sequence`. */
export function multiplySizes(...sizes: readonly Size[]): Size {
  let factor = 1;
  const names: string[] = [];
  for (const size of sizes)
    if (typeof size === 'number') factor *= size;
    else names.push(...(/[+-]/.test(size) ? [`(${size})`] : size.split('*')));
  if (names.length === 0 || factor === 0) return factor;
  const product = names.sort().join('*');
  return factor === 1 ? product : `${String(factor)}*${product}`;
}
