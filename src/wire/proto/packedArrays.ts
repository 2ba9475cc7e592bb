import { TinkerError } from '../../errors.js';
import type { TensorArray } from '../tensorData.js';
import { DTYPE } from './dtype.js';

/** float32 values: a view where their place in memory allows, else a copy. */
export function float32Of(bytes: Uint8Array, where: string): Float32Array {
  const { buffer, byteOffset } = aligned(bytes, 4, where);
  return new Float32Array(buffer, byteOffset, bytes.length / 4);
}

/** int32 values: a view where their place in memory allows, else a copy. */
export function int32Of(bytes: Uint8Array, where: string): Int32Array {
  const { buffer, byteOffset } = aligned(bytes, 4, where);
  return new Int32Array(buffer, byteOffset, bytes.length / 4);
}

/** int64 values, as int32 where all of them fit, as in an answer's JSON. */
export function integersOf(bytes: Uint8Array, where: string): Int32Array | BigInt64Array {
  const { buffer, byteOffset } = aligned(bytes, 8, where);
  const words = new Int32Array(buffer, byteOffset, bytes.length / 4);
  const narrow = new Int32Array(words.length / 2);
  for (let i = 0; i < narrow.length; i++) {
    const low = words[2 * i] ?? 0;
    if (words[2 * i + 1] !== low >> 31) return new BigInt64Array(buffer, byteOffset, narrow.length);
    narrow[i] = low;
  }
  return narrow;
}

/** bfloat16 values: the upper halves of float32 ones. */
export function bfloat16Of(bytes: Uint8Array, where: string): Float32Array {
  const { buffer, byteOffset } = aligned(bytes, 2, where);
  const halves = new Uint16Array(buffer, byteOffset, bytes.length / 2);
  const values = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) values[i] = (halves[i] ?? 0) << 16;
  return new Float32Array(values.buffer);
}

/** Values of a dtype of the protocol, and how many bytes each takes on the wire. */
export function packedArray(bytes: Uint8Array, dtype: number, where: string): { data: TensorArray; itemSize: number } {
  switch (dtype) {
    case DTYPE.float32:
      return { data: float32Of(bytes, where), itemSize: 4 };
    case DTYPE.int64:
      return { data: integersOf(bytes, where), itemSize: 8 };
    case DTYPE.int32:
      return { data: int32Of(bytes, where), itemSize: 4 };
    case DTYPE.bfloat16:
      return { data: bfloat16Of(bytes, where), itemSize: 2 };
    default:
      throw invalidMessage(`${where} has dtype ${dtype}, which this version does not know`);
  }
}

/** The error of a message that does not hold what it should. */
export function invalidMessage(problem: string, cause?: unknown): TinkerError {
  return new TinkerError('invalid_response', `The protobuf answer can't be read: ${problem}.`, { cause });
}

/** What `read` reads, with its error as that of an answer. */
export function messageOf<Message>(name: string, read: (bytes: Uint8Array) => Message, bytes: Uint8Array): Message {
  try {
    return read(bytes);
  } catch (cause) {
    throw invalidMessage(`it is no ${name}: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

function aligned(bytes: Uint8Array, itemSize: number, where: string): Uint8Array {
  if (bytes.length % itemSize !== 0) {
    throw invalidMessage(`expected items of ${itemSize} bytes in ${where}, got ${bytes.length} bytes`);
  }
  return bytes.byteOffset % itemSize === 0 ? bytes : new Uint8Array(bytes);
}
