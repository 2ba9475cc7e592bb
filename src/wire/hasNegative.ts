/** Whether one of the integers is below zero: of all their bits together, the sign tells. */
export function hasNegative(integers: Int32Array): boolean {
  let bits = 0;
  // eslint-disable-next-line @typescript-eslint/prefer-for-of -- an iterator takes three times as long
  for (let i = 0; i < integers.length; i++) bits |= integers[i] ?? 0;
  return bits < 0;
}
