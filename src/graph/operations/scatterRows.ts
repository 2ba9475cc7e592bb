import { checkIndices } from '../checkIndices.js';
import { Node } from '../node.js';
import type { Rule } from '../rule.js';
import { elements } from '../tensor.js';

/** Rows [...indices, …] summed at int32 indices into zeros shaped like a table: the derivative of gather. */
export function scatterRows(rows: Node, indices: Node, like: Node): Node<'scatterRows'> {
  return new Node('scatterRows', [rows, indices, like], {}, like.shape);
}

/** Evaluation and derivative of {@link scatterRows}. */
export const scatterRowsRule: Rule<'scatterRows'> = {
  value: ([rows, indices, like], _, evaluation) => {
    const width = elements(like.shape.slice(1));
    checkIndices('scatterRows', indices.data, like.shape[0] ?? 0);
    const out = evaluation.allocate(like.data.length);
    indices.data.forEach((row, i) => {
      for (let column = 0; column < width; column++)
        out[row * width + column] = (out[row * width + column] ?? 0) + (rows.data[i * width + column] ?? 0);
    });
    return { data: out, shape: like.shape };
  },
  derivative: ({ inputs: [rows, indices] }, gradient) => [
    new Node('gather', [gradient, indices], {}, rows.shape),
    null,
    null,
  ],
};
