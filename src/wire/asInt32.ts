/** Plain numbers as 32-bit integers, in `integers`; nothing where one of them is none. */
export function asInt32(
  values: readonly unknown[],
  integers: Int32Array = new Int32Array(values.length),
): Int32Array | undefined {
  for (let i = 0; i < integers.length; i++) {
    const value = values[i];
    if (typeof value !== 'number') return undefined;
    const integer = value | 0;
    if (integer !== value) return undefined;
    integers[i] = integer;
  }
  return integers;
}
