const encoder = new TextEncoder();

/** Compares a secret with what came, in a time that tells nothing about where they differ. */
export function constantTimeEqual(secret: string, given: string): boolean {
  const expected = encoder.encode(secret);
  const got = encoder.encode(given);
  let difference = expected.length ^ got.length;
  for (let index = 0; index < got.length; index += 1) {
    difference |= (expected[index % Math.max(expected.length, 1)] ?? 0) ^ (got[index] ?? 0);
  }
  return difference === 0;
}
