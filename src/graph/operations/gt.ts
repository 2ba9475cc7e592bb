import { zipElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { broadcastShapes } from '../sizes.js';
import { toNode } from './constant.js';

/** 1 where a > b, else 0, as float32; with broadcasting. No gradient flows through it. */
export function gt(a: Operand, b: Operand): Node<'gt'> {
  const [x, y] = [toNode(a), toNode(b)];
  return new Node('gt', [x, y], {}, broadcastShapes('gt', x.shape, y.shape));
}

/** Evaluation of {@link gt}. */
export const gtRule: Rule<'gt'> = {
  value: (inputs, _, evaluation) => zipElements(inputs, evaluation, (a, b) => Number(a > b)),
  derivative: () => [null, null],
};
