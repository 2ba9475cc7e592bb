import { type Datum, ModelInput } from '../../../src/index.js';

/** Tokens that every vocabulary has, the same for the same numbers. */
export function tokens(length: number, seed: number): number[] {
  return Array.from({ length }, (_, index) => (index * 37 + seed * 11 + index * index * seed) % 90);
}

/** Text-only datums, each of so many tokens. */
export function texts(count: number, length: number, seed = 0): Datum[] {
  return Array.from({ length: count }, (_, index) => ({
    modelInput: ModelInput.fromTokens(tokens(length, seed * 1000 + index + 1)),
  }));
}

/** The batches of a run, the same for the same steps. */
export function batches(steps: number, { from = 0, count = 2, length = 8 } = {}): Datum[][] {
  return Array.from({ length: steps - from }, (_, index) => texts(count, length, from + index + 1));
}
