import { TinkerError } from '../../errors.js';
import type { LoraShape } from './engine.js';

/** The highest rank of an adapter. */
export const highestRank = 512;

/**
 * Checks the form of an adapter.
 *
 * @throws TinkerError `bad_request` that says what was expected and what came.
 */
export function checkLora({ rank, seed, trainAttention, trainMlp, trainUnembedding }: LoraShape): void {
  if (!Number.isInteger(rank) || rank < 1 || rank > highestRank)
    throw new TinkerError('bad_request', `Expected a rank from 1 to ${String(highestRank)}, got ${String(rank)}.`);
  if (!Number.isSafeInteger(seed))
    throw new TinkerError('bad_request', `Expected an integer as seed, got ${String(seed)}.`);
  if (!(trainAttention || trainMlp || trainUnembedding))
    throw new TinkerError('bad_request', 'Expected attention, MLP or unembedding to be trained, got none of them.');
}
