import { Node, select, size, slice, unsqueeze } from '../../../graph/index.js';
import { axisBehindBatch, rankOf } from './batchAxis.js';
import { describeLossValue, isLossObject, type LossValue } from './lossValue.js';
import { refusedLoss } from './refusedLoss.js';

/** `x[index]` for integers, slices of step 1, an ellipsis and None; of a shape, one size. */
export function indexTensor(x: LossValue, index: LossValue): Node {
  if (x !== null && isLossObject(x) && x.kind === 'shape') return sizeOf(x.of, index);
  if (!(x instanceof Node)) throw refusedLoss('a tensor to index', describeLossValue(x));
  const indices: readonly LossValue[] = Array.isArray(index) ? index : [index];
  const taken = indices.filter((part) => part !== null && !isEllipsis(part)).length;
  if (taken > rankOf(x)) throw refusedLoss(`at most ${String(rankOf(x))} indices`, String(taken));
  if (indices.filter(isEllipsis).length > 1) throw refusedLoss('one ellipsis', 'more');
  let axis = 1;
  return indices.reduce<Node>((value, part) => {
    if (isEllipsis(part)) {
      axis += rankOf(x) - taken;
      return value;
    }
    if (part === null) return unsqueeze(value, axis++);
    if (typeof part === 'number' && Number.isInteger(part)) return select(value, axis, part);
    return sliceAxis(value, axis++, part);
  }, x);
}

/** The size of an axis of a tensor, as a number that is known when the graph runs. */
export function sizeOf(x: Node, axis: LossValue): Node {
  if (typeof axis !== 'number' || !Number.isInteger(axis)) throw refusedLoss('one axis', describeLossValue(axis));
  return size(x, axisBehindBatch(axis, rankOf(x)));
}

function sliceAxis(x: Node, axis: number, part: LossValue): Node {
  if (part === null || !isLossObject(part) || part.kind !== 'slice')
    throw refusedLoss('an integer, a slice, an ellipsis or None as index', describeLossValue(part));
  const [start = null, end = null, step = null] = part.bounds;
  if (step !== null && step !== 1) throw refusedLoss('slices of step 1', describeLossValue(step));
  return slice(x, axis, bound(start) ?? 0, bound(end));
}

function bound(value: LossValue): number | undefined {
  if (value === null) return undefined;
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  throw refusedLoss('integers as bounds of a slice', describeLossValue(value));
}

function isEllipsis(value: LossValue): boolean {
  return value !== null && isLossObject(value) && value.kind === 'ellipsis';
}
