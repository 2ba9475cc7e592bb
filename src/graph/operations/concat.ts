import { invalidArgument } from '../../errors.js';
import { allocateLike } from '../kernels.js';
import { Node } from '../node.js';
import type { Rule } from '../rule.js';
import { addSizes, checkAxis, describeShape, sameShape, sizeAt } from '../sizes.js';
import { elements } from '../tensor.js';
import { splitPart } from './splitPart.js';

/**
 * Tensors joined along an axis; their other sizes are equal. Named sizes add up to a name such as `past+sequence`.
 *
 * @throws TinkerError `invalid_argument` when there is none, or their shapes or dtypes don't fit.
 */
export function concat(nodes: readonly Node[], axis: number): Node<'concat'> {
  const [first] = nodes;
  if (first === undefined) throw invalidArgument('one or more nodes to concat', nodes);
  const at = checkAxis('concat', axis, first.shape.length);
  for (const { shape, dtype } of nodes)
    if (dtype !== first.dtype || !sameShape(shape.toSpliced(at, 1), first.shape.toSpliced(at, 1)))
      throw invalidArgument(
        `${first.dtype} of shape ${describeShape(first.shape)} but for axis ${String(at)} to concat`,
        `${dtype} of shape ${describeShape(shape)}`,
      );
  const joined = addSizes(...nodes.map(({ shape }) => sizeAt(shape, at)));
  return new Node('concat', nodes, { axis: at }, first.shape.with(at, joined), first.dtype);
}

/** Evaluation and derivative of {@link concat}. */
export const concatRule: Rule<'concat'> = {
  value: (inputs, { attributes: { axis } }, evaluation) => {
    const [first] = inputs;
    if (first === undefined) throw invalidArgument('one or more tensors to concat', inputs);
    const joined = inputs.reduce((total, { shape }) => total + (shape[axis] ?? 1), 0);
    const shape = first.shape.with(axis, joined);
    const out = allocateLike(first.data, elements(shape), evaluation);
    const outer = elements(shape.slice(0, axis));
    let next = 0;
    for (let row = 0; row < outer; row++)
      for (const { data } of inputs) {
        const width = data.length / outer;
        out.set(data.subarray(row * width, (row + 1) * width), next);
        next += width;
      }
    return { data: out, shape };
  },
  derivative: ({ inputs, attributes: { axis } }, gradient) =>
    inputs.map((_, index) => splitPart(gradient, inputs, axis, index)),
};
