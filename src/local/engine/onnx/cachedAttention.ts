import type { Emitter } from './emitter.js';

/** The runtime's kernel takes heads of a multiple of so many numbers. */
const headStep = 8;

/**
 * Attention over a cache by the runtime's GroupQueryAttention; heads of another size than it takes are filled up with
 * zeros. Its copies of the cache with the new tokens are not asked for: they would be copied once more on their way out.
 *
 * @param inputs - query [b, s, width], key, value [b, s, kvHeads · headDim], pastKey, pastValue, ends.
 */
export function cachedAttention(
  e: Emitter,
  inputs: readonly string[],
  width: number,
  kvHeads: number,
  headDim: number,
): string {
  const [query = '', key = '', value = '', pastKey = '', pastValue = '', ends = ''] = inputs;
  const heads = width / headDim;
  const missing = (headStep - (headDim % headStep)) % headStep;
  const padHead = (x: string): string =>
    missing === 0 ? x : e.emit('Pad', [x, e.int64([0, 0, 0, 0, 0, 0, 0, missing]), e.scalar(0)]);
  const padHeads = (x: string, count: number): string => {
    if (missing === 0) return x;
    const apart = padHead(e.emit('Reshape', [x, e.int64([0, 0, count, headDim])]));
    return e.emit('Reshape', [apart, e.int64([0, 0, count * (headDim + missing)])]);
  };
  const longest = e.emit('ReduceMax', [ends], { axes: [0], keepdims: 1 });
  const [attended = ''] = e.emitMany(
    3,
    'GroupQueryAttention',
    [
      padHeads(query, heads),
      padHeads(key, kvHeads),
      padHeads(value, kvHeads),
      padHead(pastKey),
      padHead(pastValue),
      ends,
      e.emit('Add', [longest, e.tensor(Int32Array.of(1), [1])]),
    ],
    { num_heads: heads, kv_num_heads: kvHeads, scale: { float: 1 / Math.sqrt(headDim) } },
    'com.microsoft',
  );
  if (missing === 0) return attended;
  const apart = e.emit('Reshape', [attended, e.int64([0, 0, heads, headDim + missing])]);
  const cut = e.emit('Slice', [apart, e.int64([0]), e.int64([headDim]), e.int64([3])]);
  return e.emit('Reshape', [cut, e.int64([0, 0, width])]);
}
