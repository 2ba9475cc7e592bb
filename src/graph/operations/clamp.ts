import { invalidArgument } from '../../errors.js';
import { mapElements } from '../kernels.js';
import { Node, type Operand } from '../node.js';
import type { Rule } from '../rule.js';
import { toNode } from './constant.js';
import { ge } from './ge.js';
import { le } from './le.js';
import { mul } from './mul.js';

/**
 * x within min … max; ±Infinity leaves a side open. The gradient passes within and at the bounds.
 *
 * @throws TinkerError `invalid_argument` on NaN bounds or min above max.
 */
export function clamp(x: Operand, min: number, max: number): Node<'clamp'> {
  if (!(min <= max)) throw invalidArgument('min ≤ max for clamp', `${String(min)} … ${String(max)}`);
  const node = toNode(x);
  return new Node('clamp', [node], { min, max }, node.shape);
}

/** Evaluation and derivative of {@link clamp}. */
export const clampRule: Rule<'clamp'> = {
  value: ([x], { attributes: { min, max } }, evaluation) =>
    mapElements(x, evaluation, (value) => Math.min(max, Math.max(min, value))),
  derivative: ({ inputs: [x], attributes: { min, max } }, gradient) => {
    const above = min === -Infinity ? gradient : mul(gradient, ge(x, min));
    return [max === Infinity ? above : mul(above, le(x, max))];
  },
};
