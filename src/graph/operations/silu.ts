import { zipElements } from '../kernels.js';
import { Node } from '../node.js';
import type { Rule } from '../rule.js';
import { add } from './add.js';
import { mul } from './mul.js';
import { sigmoid } from './sigmoid.js';
import { sub } from './sub.js';

/** x · sigmoid(x). */
export function silu(x: Node): Node<'silu'> {
  return new Node('silu', [x, sigmoid(x)], {}, x.shape);
}

/** Evaluation and derivative of {@link silu}. */
export const siluRule: Rule<'silu'> = {
  value: (inputs, _, evaluation) => zipElements(inputs, evaluation, (value, gate) => value * gate),
  derivative: (node, gradient) => {
    const gate = node.inputs[1];
    return [mul(gradient, add(gate, mul(node, sub(1, gate)))), null];
  },
};
