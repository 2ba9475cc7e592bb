import { zipElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { broadcastShapes } from '../sizes.js';
import { sumToShape } from '../sumToShape.js';
import { toNode } from './constant.js';

/** a + b, with broadcasting. */
export function add(a: Operand, b: Operand): Node<'add'> {
  const [x, y] = [toNode(a), toNode(b)];
  return new Node('add', [x, y], {}, broadcastShapes('add', x.shape, y.shape));
}

/** Evaluation and derivative of {@link add}. */
export const addRule: Rule<'add'> = {
  value: (inputs, _, evaluation) => zipElements(inputs, evaluation, (a, b) => a + b),
  derivative: ({ inputs: [x, y] }, gradient) => [sumToShape(gradient, x.shape), sumToShape(gradient, y.shape)],
};
