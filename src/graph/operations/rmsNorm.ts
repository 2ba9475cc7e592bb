import { zipElements } from '../kernels.js';
import { Node } from '../node.js';
import type { Rule } from '../rule.js';
import { inverseRms } from './inverseRms.js';
import { mean } from './mean.js';
import { mul } from './mul.js';
import { sub } from './sub.js';

/** x / √(mean(x²) + eps) over the last axis; a weight is applied by `mul`. (Zhang and Sennrich 2019, arXiv:1910.07467) */
export function rmsNorm(x: Node, eps = 1e-5): Node<'rmsNorm'> {
  return new Node('rmsNorm', [x, inverseRms(x, eps)], {}, x.shape);
}

/** Evaluation and derivative of {@link rmsNorm}. */
export const rmsNormRule: Rule<'rmsNorm'> = {
  value: (inputs, _, evaluation) => zipElements(inputs, evaluation, (value, scale) => value * scale),
  derivative: (node, gradient) => [
    mul(node.inputs[1], sub(gradient, mul(node, mean(mul(gradient, node), -1, true)))),
    null,
  ],
};
