/** Plain numbers as 32-bit integers; nothing where one of them is none. */
export function asInt32(values: readonly unknown[]): Int32Array | undefined {
  const integers = new Int32Array(values.length);
  let different = 0;
  for (let i = 0; i < integers.length; i++) {
    const value = values[i];
    if (typeof value !== 'number') return undefined;
    integers[i] = value;
    if (integers[i] !== value) different += 1;
  }
  return different === 0 ? integers : undefined;
}
