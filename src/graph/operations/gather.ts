import { checkIndices, checkInt32 } from '../checkIndices.js';
import { allocateLike } from '../kernels.js';
import { Node } from '../node.js';
import type { Rule } from '../rule.js';
import { checkAxis } from '../sizes.js';
import { elements } from '../tensor.js';
import { scatterRows } from './scatterRows.js';

/**
 * Rows of a table [rows, …] at int32 indices: shaped [...indices, …].
 *
 * @throws TinkerError `invalid_argument` when the indices are not int32, or (when it runs) not rows of the table.
 */
export function gather(table: Node, indices: Node): Node<'gather'> {
  checkAxis('gather', 0, table.shape.length);
  checkInt32('gather', indices);
  return new Node('gather', [table, indices], {}, [...indices.shape, ...table.shape.slice(1)], table.dtype);
}

/** Evaluation and derivative of {@link gather}. */
export const gatherRule: Rule<'gather'> = {
  value: ([table, indices], _, evaluation) => {
    const width = elements(table.shape.slice(1));
    checkIndices('gather', indices.data, table.shape[0] ?? 0);
    const out = allocateLike(table.data, indices.data.length * width, evaluation);
    indices.data.forEach((row, i) => {
      out.set(table.data.subarray(row * width, (row + 1) * width), i * width);
    });
    return { data: out, shape: [...indices.shape, ...table.shape.slice(1)] };
  },
  derivative: ({ inputs: [table, indices] }, gradient) => [scatterRows(gradient, indices, table), null],
};
