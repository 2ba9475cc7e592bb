import { zipElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { broadcastShapes } from '../sizes.js';
import { toNode } from './constant.js';

/** 1 where a < b, else 0, as float32; with broadcasting. No gradient flows through it. */
export function lt(a: Operand, b: Operand): Node<'lt'> {
  const [x, y] = [toNode(a), toNode(b)];
  return new Node('lt', [x, y], {}, broadcastShapes('lt', x.shape, y.shape));
}

/** Evaluation of {@link lt}. */
export const ltRule: Rule<'lt'> = {
  value: (inputs, _, evaluation) => zipElements(inputs, evaluation, (a, b) => Number(a < b)),
  derivative: () => [null, null],
};
