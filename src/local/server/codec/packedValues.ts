import { refusal } from '../refusal.js';

/** Element types of tensors, by their numbers on the wire. */
const FLOAT32 = 1;
const INT64 = 2;
const INT32 = 3;
const BFLOAT16 = 4;

/** Reads packed little-endian values: floats as float32, integers as int32. @throws TinkerError with status 400. */
export function packedValues(bytes: Uint8Array, dtype: number, where: string): Float32Array | Int32Array {
  switch (dtype) {
    case FLOAT32:
      return new Float32Array(alignedCopy(bytes, 4, where));
    case INT64:
      return narrowed(bytes, where);
    case INT32:
      return packedInt32(bytes, where);
    case BFLOAT16: {
      const halves = new Uint16Array(alignedCopy(bytes, 2, where));
      return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
    }
    default:
      throw refusal(400, `${where}.dtype: Expected float32, int64, int32 or bfloat16, got number ${dtype}.`);
  }
}

/** Packed int32 values. */
export function packedInt32(bytes: Uint8Array, where: string): Int32Array {
  return new Int32Array(alignedCopy(bytes, 4, where));
}

/** Packed int64 values, each of which must fit into 32 bits. */
export function narrowed(bytes: Uint8Array, where: string): Int32Array {
  const words = new Int32Array(alignedCopy(bytes, 8, where));
  const values = new Int32Array(words.length / 2);
  for (let at = 0; at < values.length; at++) {
    const low = words[2 * at] ?? 0;
    if (words[2 * at + 1] !== low >> 31) {
      const value = new BigInt64Array(words.buffer)[at];
      throw refusal(400, `${where}.data.${at}: Expected an integer in [-2³¹, 2³¹), got ${String(value)}.`);
    }
    values[at] = low;
  }
  return values;
}

/** The bytes in memory of their own, so that the request's body can go. */
function alignedCopy(bytes: Uint8Array, itemSize: number, where: string): ArrayBuffer {
  if (bytes.length % itemSize === 0) return new Uint8Array(bytes).buffer;
  throw refusal(400, `${where}: Expected values of ${itemSize} bytes each, got ${bytes.length} bytes.`);
}
