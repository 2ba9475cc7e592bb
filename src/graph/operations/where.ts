import { broadcastTensor } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { broadcastShapes } from '../sizes.js';
import { sumToShape } from '../sumToShape.js';
import { toNode } from './constant.js';

/** a where the condition is not 0, else b; with broadcasting. Unlike a product with a mask it lets no NaN through. */
export function where(condition: Node, a: Operand, b: Operand): Node<'where'> {
  const [x, y] = [toNode(a), toNode(b)];
  return new Node('where', [condition, x, y], {}, broadcastShapes('where', condition.shape, x.shape, y.shape));
}

/** Evaluation and derivative of {@link where}. */
export const whereRule: Rule<'where'> = {
  value: ([condition, x, y], _, evaluation) => {
    const shape = broadcastShapes('where', condition.shape, x.shape, y.shape);
    const [chosen, a, b] = [condition, x, y].map((tensor) => broadcastTensor(tensor, shape, evaluation).data);
    const out = evaluation.allocate(a?.length ?? 0);
    for (let i = 0; i < out.length; i++) out[i] = (chosen?.[i] === 0 ? b?.[i] : a?.[i]) ?? 0;
    return { data: out, shape };
  },
  derivative: ({ inputs: [condition, x, y] }, gradient) => [
    null,
    sumToShape(where(condition, gradient, 0), x.shape),
    sumToShape(where(condition, 0, gradient), y.shape),
  ],
};
