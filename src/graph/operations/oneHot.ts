import { invalidArgument } from '../../errors.js';
import { checkIndices, checkInt32 } from '../checkIndices.js';
import { Node, type Size } from '../node.js';
import type { Rule } from '../rule.js';

/**
 * Ones at int32 indices along a new last axis of `classes`, zeros elsewhere.
 *
 * @throws TinkerError `invalid_argument` when the indices are not int32 or the number of classes is not known.
 */
export function oneHot(indices: Node, classes: Size): Node<'oneHot'> {
  checkInt32('oneHot', indices);
  if (typeof classes === 'string') throw invalidArgument('a known number of classes for oneHot', classes);
  return new Node('oneHot', [indices], { classes }, [...indices.shape, classes]);
}

/** Evaluation and derivative of {@link oneHot}. */
export const oneHotRule: Rule<'oneHot'> = {
  value: ([{ data, shape }], { attributes: { classes } }, evaluation) => {
    checkIndices('oneHot', data, classes);
    const out = evaluation.allocate(data.length * classes);
    data.forEach((index, row) => {
      out[row * classes + index] = 1;
    });
    return { data: out, shape: [...shape, classes] };
  },
  derivative: () => [null],
};
