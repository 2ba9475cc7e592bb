import { invalidArgument } from '../../errors.js';
import { checkInt32 } from '../checkIndices.js';
import { Node } from '../node.js';
import type { Rule } from '../rule.js';
import { describeShape, sameShape } from '../sizes.js';

/** What {@link cachedAttention} is applied to; c is the size of a head, g the query heads that share keys and values. */
export interface CachedAttentionInputs {
  /** [batch, sequence, heads · g · c]. */
  readonly query: Node;
  /** [batch, sequence, heads · c], as `value`. */
  readonly key: Node;
  readonly value: Node;
  /** [batch, heads, slots, c], as `pastValue`; a row uses its first slots. */
  readonly pastKey: Node;
  readonly pastValue: Node;
  /** int32 [batch]: the place of a row's last token, counted from 0; the `sequence` new ones end there. */
  readonly ends: Node;
}

/**
 * Causal attention with grouped queries, scores scaled by 1/√c: each new token sees those that the cache holds, the new
 * ones before it, and itself. Gives [batch, sequence, heads · g · c]. For sampling: it has no derivative.
 *
 * @throws TinkerError `invalid_argument` when shapes don't fit, or when it is differentiated.
 */
export function cachedAttention(inputs: CachedAttentionInputs): Node<'cachedAttention'> {
  const { query, key, value, pastKey, pastValue, ends } = inputs;
  checkInt32('cachedAttention', ends);
  const [batch, heads, , headDim] = pastKey.shape;
  const width = query.shape.at(-1);
  if (typeof heads !== 'number' || typeof headDim !== 'number' || !sameShape(pastKey.shape, pastValue.shape))
    throw invalidArgument('a cache [batch, heads, slots, head size] for cachedAttention', describeShape(pastKey.shape));
  const expected = [batch ?? 1, query.shape[1] ?? 1, heads * headDim];
  for (const node of [key, value])
    if (!sameShape(node.shape, expected))
      throw invalidArgument(`${describeShape(expected)} for cachedAttention`, describeShape(node.shape));
  if (typeof width !== 'number' || width % (heads * headDim) !== 0 || query.shape.length !== 3)
    throw invalidArgument(
      `a query of groups of ${String(heads * headDim)} for cachedAttention`,
      describeShape(query.shape),
    );
  return new Node('cachedAttention', [query, key, value, pastKey, pastValue, ends], {}, query.shape);
}

/** Evaluation of {@link cachedAttention}. */
export const cachedAttentionRule: Rule<'cachedAttention'> = {
  value: ([query, key, value, pastKey, pastValue, ends], _, evaluation) => {
    const [batch = 0, heads = 1, slots = 0, c = 1] = pastKey.shape;
    const [, sequence = 0, width = 0] = query.shape;
    const group = width / (heads * c);
    const out = evaluation.allocate(query.data.length);
    for (let row = 0; row < batch; row++)
      for (let i = 0; i < sequence; i++) {
        const past = (ends.data[row] ?? 0) + 1 - sequence;
        for (let head = 0; head < heads * group; head++) {
          const kvHead = Math.floor(head / group);
          const at = (row * sequence + i) * width + head * c;
          /** Where a token's part of this head starts, in the cache or among the new ones. */
          const find = (token: number): [isPast: boolean, start: number] =>
            token < past
              ? [true, ((row * heads + kvHead) * slots + token) * c]
              : [false, ((row * sequence + token - past) * heads + kvHead) * c];
          const scores = Float64Array.from({ length: past + i + 1 }, (_unused, token) => {
            const [isPast, start] = find(token);
            const { data } = isPast ? pastKey : key;
            let score = 0;
            for (let k = 0; k < c; k++) score += (query.data[at + k] ?? 0) * (data[start + k] ?? 0);
            return score / Math.sqrt(c);
          });
          const top = scores.reduce((most, score) => Math.max(most, score), -Infinity);
          const weights = scores.map((score) => Math.exp(score - top));
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          weights.forEach((weight, token) => {
            const [isPast, start] = find(token);
            const { data } = isPast ? pastValue : value;
            for (let k = 0; k < c; k++) out[at + k] = (out[at + k] ?? 0) + (weight / total) * (data[start + k] ?? 0);
          });
        }
      }
    return { data: out, shape: query.shape };
  },
  derivative: () => {
    throw invalidArgument('an operation with a derivative', 'cachedAttention');
  },
};
