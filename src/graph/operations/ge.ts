import { zipElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { broadcastShapes } from '../sizes.js';
import { toNode } from './constant.js';

/** 1 where a ≥ b, else 0, as float32; with broadcasting. No gradient flows through it. */
export function ge(a: Operand, b: Operand): Node<'ge'> {
  const [x, y] = [toNode(a), toNode(b)];
  return new Node('ge', [x, y], {}, broadcastShapes('ge', x.shape, y.shape));
}

/** Evaluation of {@link ge}. */
export const geRule: Rule<'ge'> = {
  value: (inputs, _, evaluation) => zipElements(inputs, evaluation, (a, b) => Number(a >= b)),
  derivative: () => [null, null],
};
