import { zipElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { broadcastShapes } from '../sizes.js';
import { sumToShape } from '../sumToShape.js';
import { add } from './add.js';
import { toNode } from './constant.js';
import { eq } from './eq.js';
import { lt } from './lt.js';
import { mul } from './mul.js';

/** The smaller of a and b elementwise, with broadcasting. Where they are equal, each gets half of the gradient. */
export function minimum(a: Operand, b: Operand): Node<'minimum'> {
  const [x, y] = [toNode(a), toNode(b)];
  return new Node('minimum', [x, y], {}, broadcastShapes('minimum', x.shape, y.shape));
}

/** Evaluation and derivative of {@link minimum}. */
export const minimumRule: Rule<'minimum'> = {
  value: (inputs, _, evaluation) => zipElements(inputs, evaluation, (a, b) => Math.min(a, b)),
  derivative: ({ inputs: [x, y] }, gradient) => {
    const tie = mul(0.5, eq(x, y));
    return [
      sumToShape(mul(gradient, add(lt(x, y), tie)), x.shape),
      sumToShape(mul(gradient, add(lt(y, x), tie)), y.shape),
    ];
  },
};
