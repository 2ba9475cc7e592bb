import { Node, type Operand, unsqueeze } from '../../../graph/index.js';
import { refusedLoss } from './refusedLoss.js';

/** How many axes a loss sees of a tensor: all but the batch, which is the first; 0 too for what all data share. */
export function rankOf(x: Operand): number {
  return x instanceof Node ? Math.max(0, x.shape.length - 1) : 0;
}

/**
 * Where an axis that a loss names stands behind the batch.
 *
 * @param rank - Of the result, where the axis is one of its own.
 */
export function axisBehindBatch(axis: number, rank: number): number {
  if (axis < -rank || axis >= rank)
    throw refusedLoss(
      rank === 0 ? 'no axis of a scalar' : `an axis from ${String(-rank)} to ${String(rank - 1)}`,
      String(axis),
    );
  return (axis < 0 ? axis + rank : axis) + 1;
}

/** Operands with as many axes each, so that their last axes meet and not a batch with a sequence. */
export function align<Values extends readonly Operand[]>(...values: Values): { readonly [K in keyof Values]: Operand } {
  const rank = Math.max(...values.map(rankOf));
  const aligned = values.map((value): Operand => {
    if (!(value instanceof Node) || value.shape.length === 0) return value;
    let wide: Node = value;
    while (rankOf(wide) < rank) wide = unsqueeze(wide, 1);
    return wide;
  });
  // One operand for each value, which map() forgets.
  return aligned as { readonly [K in keyof Values]: Operand };
}
