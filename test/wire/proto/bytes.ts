/** Packed little-endian int64 values. */
export function int64(values: readonly number[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
}

/** The same bytes at another place of a larger memory, as a network library may give them. */
export function atOffset(bytes: Uint8Array, offset: number): Uint8Array {
  const memory = new Uint8Array(offset + bytes.length + 8);
  memory.set(bytes, offset);
  return memory.subarray(offset, offset + bytes.length);
}
