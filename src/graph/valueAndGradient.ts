import { evaluateNodes } from './evaluate.js';
import { gradient } from './gradient.js';
import type { Node } from './node.js';
import type { Tensor } from './tensor.js';

/** A scalar and its derivatives by some nodes. */
export interface ValueAndGradient {
  readonly value: number;
  /** One for each node, of its shape. */
  readonly gradients: readonly { readonly data: Float32Array; readonly shape: readonly number[] }[];
}

/**
 * Computes a scalar loss and its derivatives on typed arrays.
 *
 * @throws TinkerError `invalid_argument` as `gradient` and `evaluate`.
 * @example
 * ```ts
 * const x = input('x', ['n']);
 * valueAndGradient(sum(mul(x, x)), [x], { x: { data: new Float32Array([1, 2]), shape: [2] } });
 * // { value: 5, gradients: [{ data: Float32Array [2, 4], shape: [2] }] }
 * ```
 */
export function valueAndGradient(
  loss: Node,
  wrt: readonly Node[],
  feeds: Readonly<Record<string, Tensor>>,
): ValueAndGradient {
  const [value, ...gradients] = evaluateNodes([loss, ...gradient(loss, wrt)], feeds);
  return {
    value: value?.data[0] ?? NaN,
    // Copies, since a gradient may be one of the feeds itself.
    gradients: gradients.map(({ data, shape }) => ({ data: Float32Array.from(data), shape })),
  };
}
