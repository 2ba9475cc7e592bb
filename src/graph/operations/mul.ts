import { zipElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { broadcastShapes } from '../sizes.js';
import { sumToShape } from '../sumToShape.js';
import { toNode } from './constant.js';

/** a · b elementwise, with broadcasting. */
export function mul(a: Operand, b: Operand): Node<'mul'> {
  const [x, y] = [toNode(a), toNode(b)];
  return new Node('mul', [x, y], {}, broadcastShapes('mul', x.shape, y.shape));
}

/** Evaluation and derivative of {@link mul}. */
export const mulRule: Rule<'mul'> = {
  value: (inputs, _, evaluation) => zipElements(inputs, evaluation, (a, b) => a * b),
  derivative: ({ inputs: [x, y] }, gradient) => [
    sumToShape(mul(gradient, y), x.shape),
    sumToShape(mul(gradient, x), y.shape),
  ],
};
