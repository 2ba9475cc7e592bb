import { zipElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { broadcastShapes } from '../sizes.js';
import { toNode } from './constant.js';

/** 1 where a = b, else 0, as float32; with broadcasting. No gradient flows through it. */
export function eq(a: Operand, b: Operand): Node<'eq'> {
  const [x, y] = [toNode(a), toNode(b)];
  return new Node('eq', [x, y], {}, broadcastShapes('eq', x.shape, y.shape));
}

/** Evaluation of {@link eq}. */
export const eqRule: Rule<'eq'> = {
  value: (inputs, _, evaluation) => zipElements(inputs, evaluation, (a, b) => Number(a === b)),
  derivative: () => [null, null],
};
