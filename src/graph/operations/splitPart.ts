import { invalidArgument } from '../../errors.js';
import { copyStrided, stridesOf } from '../kernels.js';
import { Node } from '../node.js';
import type { Rule } from '../rule.js';
import { expandAs } from './expandAs.js';

/** The part of a joined tensor that lies where the part `index` went: the derivative of concat. */
export function splitPart(joined: Node, parts: readonly Node[], axis: number, index: number): Node<'splitPart'> {
  const part = parts[index];
  if (part === undefined) throw invalidArgument(`an index below ${String(parts.length)} for splitPart`, index);
  return new Node('splitPart', [joined, ...parts], { axis, index }, part.shape);
}

/** Evaluation and derivative of {@link splitPart}. */
export const splitPartRule: Rule<'splitPart'> = {
  value: ([joined, ...parts], { attributes: { axis, index } }, evaluation) => {
    const strides = stridesOf(joined.shape);
    const before = parts.slice(0, index).reduce((total, { shape }) => total + (shape[axis] ?? 1), 0);
    return copyStrided(joined.data, parts[index]?.shape ?? [], strides, before * (strides[axis] ?? 0), evaluation);
  },
  derivative: ({ inputs: [joined, ...parts], attributes: { axis, index } }, gradient) => {
    const padded = parts.map((part, i) => (i === index ? gradient : expandAs(0, part)));
    return [new Node('concat', padded, { axis }, joined.shape), ...parts.map(() => null)];
  },
};
