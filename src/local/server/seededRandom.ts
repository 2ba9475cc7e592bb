import type { Random } from './random.js';

/** The same ids and seeds for the same seed, for tests and simulation (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return (word ^ (word >>> 14)) >>> 0;
  };
  const digits = (): string => next().toString(16).padStart(8, '0');
  return { id: () => digits() + digits(), seed: () => next() >>> 1 };
}
