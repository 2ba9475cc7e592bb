import { zipElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { broadcastShapes } from '../sizes.js';
import { toNode } from './constant.js';

/** 1 where a ≤ b, else 0, as float32; with broadcasting. No gradient flows through it. */
export function le(a: Operand, b: Operand): Node<'le'> {
  const [x, y] = [toNode(a), toNode(b)];
  return new Node('le', [x, y], {}, broadcastShapes('le', x.shape, y.shape));
}

/** Evaluation of {@link le}. */
export const leRule: Rule<'le'> = {
  value: (inputs, _, evaluation) => zipElements(inputs, evaluation, (a, b) => Number(a <= b)),
  derivative: () => [null, null],
};
