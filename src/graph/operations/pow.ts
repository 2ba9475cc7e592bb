import { zipElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { broadcastShapes } from '../sizes.js';
import { sumToShape } from '../sumToShape.js';
import { toNode } from './constant.js';
import { eq } from './eq.js';
import { log } from './log.js';
import { mul } from './mul.js';
import { sub } from './sub.js';
import { where } from './where.js';

/** a to the power of b elementwise, with broadcasting. No gradient flows to a where b is 0, nor to b where a is 0. */
export function pow(a: Operand, b: Operand): Node<'pow'> {
  const [x, y] = [toNode(a), toNode(b)];
  return new Node('pow', [x, y], {}, broadcastShapes('pow', x.shape, y.shape));
}

/** Evaluation and derivative of {@link pow}. */
export const powRule: Rule<'pow'> = {
  value: (inputs, _, evaluation) => zipElements(inputs, evaluation, Math.pow),
  derivative: (node, gradient) => {
    const [x, y] = node.inputs;
    // Not 0 · ∞ where the factor is 0.
    const byX = where(eq(y, 0), 0, mul(y, pow(x, sub(y, 1))));
    const byY = where(eq(x, 0), 0, mul(node, log(x)));
    return [sumToShape(mul(gradient, byX), x.shape), sumToShape(mul(gradient, byY), y.shape)];
  },
};
