import { zipElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { broadcastShapes } from '../sizes.js';
import { sumToShape } from '../sumToShape.js';
import { toNode } from './constant.js';
import { neg } from './neg.js';

/** a − b, with broadcasting. */
export function sub(a: Operand, b: Operand): Node<'sub'> {
  const [x, y] = [toNode(a), toNode(b)];
  return new Node('sub', [x, y], {}, broadcastShapes('sub', x.shape, y.shape));
}

/** Evaluation and derivative of {@link sub}. */
export const subRule: Rule<'sub'> = {
  value: (inputs, _, evaluation) => zipElements(inputs, evaluation, (a, b) => a - b),
  derivative: ({ inputs: [x, y] }, gradient) => [sumToShape(gradient, x.shape), sumToShape(neg(gradient), y.shape)],
};
