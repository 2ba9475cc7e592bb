import type { Random } from './random.js';

/** Ids and seeds that nobody can guess. */
export const cryptoRandom: Random = {
  id: () => Array.from(words(2), (word) => word.toString(16).padStart(8, '0')).join(''),
  seed: () => (words(1)[0] ?? 0) >>> 1,
};

function words(count: number): Uint32Array {
  return globalThis.crypto.getRandomValues(new Uint32Array(count));
}
