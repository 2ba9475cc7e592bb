import { zipElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { broadcastShapes } from '../sizes.js';
import { sumToShape } from '../sumToShape.js';
import { toNode } from './constant.js';
import { mul } from './mul.js';
import { neg } from './neg.js';

/** a / b elementwise, with broadcasting. */
export function div(a: Operand, b: Operand): Node<'div'> {
  const [x, y] = [toNode(a), toNode(b)];
  return new Node('div', [x, y], {}, broadcastShapes('div', x.shape, y.shape));
}

/** Evaluation and derivative of {@link div}. */
export const divRule: Rule<'div'> = {
  value: (inputs, _, evaluation) => zipElements(inputs, evaluation, (a, b) => a / b),
  derivative: (node, gradient) => {
    const [x, y] = node.inputs;
    return [sumToShape(div(gradient, y), x.shape), sumToShape(neg(mul(gradient, div(node, y))), y.shape)];
  },
};
