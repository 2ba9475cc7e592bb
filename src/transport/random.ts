/** Numbers in [0, 1). */
export type Random = () => number;

/** One call of the system for so many numbers: asking it for each would cost more than all else that a request does. */
const pool = new Uint32Array(1024);
let left = 0;

/** Randomness of the system; tests and simulation inject a seeded one. */
export const cryptoRandom: Random = () => {
  if (left === 0) {
    crypto.getRandomValues(pool);
    left = pool.length;
  }
  return (pool[--left] ?? 0) / 2 ** 32;
};

/** A random id in the form of a version 4 UUID (RFC 9562). */
export function uuid(random: Random): string {
  // The system's own is the fastest; it is missing where a page was not fetched by HTTPS.
  if (random === cryptoRandom && typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  const word = (): string =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  const [a, b, c, d] = [word(), word(), word(), word()];
  const variant = (8 + Math.floor(random() * 4)).toString(16);
  return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-${variant}${c.slice(1, 4)}-${c.slice(4)}${d}`;
}
