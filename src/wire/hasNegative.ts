/** Whether one of the integers, of 32 bits at most, is below zero: of all their bits together, the sign tells. */
export function hasNegative(integers: ArrayLike<number>): boolean {
  return integers instanceof Int32Array ? bitsOfArray(integers) < 0 : bitsOf(integers) < 0;
}

/** The same as below, apart from it so that each is compiled for one kind of array. */
function bitsOfArray(integers: Int32Array): number {
  let bits = 0;
  // eslint-disable-next-line @typescript-eslint/prefer-for-of -- an iterator takes three times as long
  for (let i = 0; i < integers.length; i++) bits |= integers[i] ?? 0;
  return bits;
}

function bitsOf(integers: ArrayLike<number>): number {
  let bits = 0;
  // eslint-disable-next-line @typescript-eslint/prefer-for-of -- as above
  for (let i = 0; i < integers.length; i++) bits |= integers[i] ?? 0;
  return bits;
}
