/** Plain numbers as 32-bit integers; nothing where one of them is none. */
export function asInt32(values: readonly unknown[]): Int32Array | undefined {
  const integers = new Int32Array(values.length);
  for (let i = 0; i < integers.length; i++) {
    const value = values[i];
    if (typeof value !== 'number') return undefined;
    const integer = value | 0;
    if (integer !== value) return undefined;
    integers[i] = integer;
  }
  return integers;
}
