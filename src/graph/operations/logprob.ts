import { invalidArgument } from '../../errors.js';
import { checkIndices, checkInt32 } from '../checkIndices.js';
import { rowsOf } from '../kernels.js';
import { Node } from '../node.js';
import type { Rule } from '../rule.js';
import { describeShape, sameShape, sizeAt } from '../sizes.js';
import { exp } from './exp.js';
import { logSoftmax } from './logSoftmax.js';
import { mul } from './mul.js';
import { oneHot } from './oneHot.js';
import { sub } from './sub.js';
import { unsqueeze } from './unsqueeze.js';

/**
 * The log-probability of each target under the softmax of its logits.
 *
 * @param logits - [..., classes].
 * @param target - int32 [...], each from 0 to classes − 1.
 * @throws TinkerError `invalid_argument` when the shapes differ or the targets are not int32.
 */
export function logprob(logits: Node, target: Node): Node<'logprob'> {
  checkInt32('logprob', target);
  if (logits.shape.length === 0 || !sameShape(logits.shape.slice(0, -1), target.shape))
    throw invalidArgument(
      `targets of the shape of the logits ${describeShape(logits.shape)} without the last axis`,
      describeShape(target.shape),
    );
  return new Node('logprob', [logits, target, logSoftmax(logits)], {}, target.shape);
}

/** Evaluation and derivative of {@link logprob}. */
export const logprobRule: Rule<'logprob'> = {
  value: ([, target, logprobs], _, evaluation) => {
    const { columns } = rowsOf(logprobs);
    checkIndices('logprob', target.data, columns);
    const out = evaluation.allocate(target.data.length);
    for (let row = 0; row < out.length; row++) out[row] = logprobs.data[row * columns + (target.data[row] ?? 0)] ?? 0;
    return { data: out, shape: target.shape };
  },
  derivative: ({ inputs: [logits, target, logprobs] }, gradient) => [
    mul(sub(oneHot(target, sizeAt(logits.shape, -1)), exp(logprobs)), unsqueeze(gradient, -1)),
    null,
    null,
  ],
};
