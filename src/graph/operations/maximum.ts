import { zipElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { broadcastShapes } from '../sizes.js';
import { sumToShape } from '../sumToShape.js';
import { add } from './add.js';
import { toNode } from './constant.js';
import { eq } from './eq.js';
import { gt } from './gt.js';
import { mul } from './mul.js';

/** The larger of a and b elementwise, with broadcasting. Where they are equal, each gets half of the gradient. */
export function maximum(a: Operand, b: Operand): Node<'maximum'> {
  const [x, y] = [toNode(a), toNode(b)];
  return new Node('maximum', [x, y], {}, broadcastShapes('maximum', x.shape, y.shape));
}

/** Evaluation and derivative of {@link maximum}. */
export const maximumRule: Rule<'maximum'> = {
  value: (inputs, _, evaluation) => zipElements(inputs, evaluation, (a, b) => Math.max(a, b)),
  derivative: ({ inputs: [x, y] }, gradient) => {
    const tie = mul(0.5, eq(x, y));
    return [
      sumToShape(mul(gradient, add(gt(x, y), tie)), x.shape),
      sumToShape(mul(gradient, add(gt(y, x), tie)), y.shape),
    ];
  },
};
