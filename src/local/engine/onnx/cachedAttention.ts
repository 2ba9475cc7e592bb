import { headStep, nextName } from './carriedCaches.js';
import { elementType, type Emitter } from './emitter.js';

/**
 * Attention over a cache by the runtime's GroupQueryAttention; heads of another size than it takes are filled up with
 * zeros. Its copies of the cache with the new tokens are asked for where they stay on a device: else they would be copied
 * once more on their way out.
 *
 * @param inputs - query [b, s, width], key, value [b, s, kvHeads · headDim], pastKey, pastValue, ends.
 * @param carried - Names of the cache's inputs whose next state becomes an output.
 */
export function cachedAttention(
  e: Emitter,
  inputs: readonly string[],
  width: number,
  kvHeads: number,
  headDim: number,
  carried?: readonly [key: string, value: string],
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
  const outputs = carried === undefined ? e.names(3) : [...e.names(1), ...carried.map(nextName)];
  const [attended = ''] = outputs;
  e.emitTo(
    outputs,
    'GroupQueryAttention',
    [
      padHeads(query, heads),
      padHeads(key, kvHeads),
      padHeads(value, kvHeads),
      padHead(pastKey),
      padHead(pastValue),
      ends,
      carried === undefined ? longest(e, ends, e.tensor(Int32Array.of(1), [1])) : longestOnProcessor(e, ends),
    ],
    { num_heads: heads, kv_num_heads: kvHeads, scale: { float: 1 / Math.sqrt(headDim) } },
    'com.microsoft',
  );
  if (missing === 0) return attended;
  const apart = e.emit('Reshape', [attended, e.int64([0, 0, heads, headDim + missing])]);
  const cut = e.emit('Slice', [apart, e.int64([0]), e.int64([headDim]), e.int64([3])]);
  return e.emit('Reshape', [cut, e.int64([0, 0, width])]);
}

/** The most tokens that a row holds. */
function longest(e: Emitter, ends: string, one: string): string {
  return e.emit('Add', [e.emit('ReduceMax', [ends], { axes: [0], keepdims: 1 }), one]);
}

/** The same in float64, with which no GPU computes: the kernel reads it on the processor, and would wait for a copy. */
function longestOnProcessor(e: Emitter, ends: string): string {
  const wide = e.emit('Cast', [ends], { to: elementType.float64 });
  return e.emit('Cast', [longest(e, wide, e.tensor(Float64Array.of(1), [1]))], { to: elementType.int32 });
}
