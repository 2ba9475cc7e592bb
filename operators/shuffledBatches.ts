import { invalidArgument } from '../src/errors.js';
import { seededRandom } from './seededRandom.js';

/** Options of {@link shuffledBatches}. */
export interface ShuffledBatchesOptions {
  /** Items of a batch; the last one of an epoch may have fewer. */
  readonly batchSize: number;
  /** How often each item comes; default 1. */
  readonly epochs?: number;
  /** Same seed, same order; default 0. */
  readonly seed?: number;
  /** Batches to leave out at the beginning, of a run that goes on; default 0. */
  readonly startStep?: number;
}

/**
 * Batches of the items, in a new order in each epoch.
 *
 * Each iteration begins anew with the same order. Errors: `invalid_argument` at the call.
 *
 * @example
 * ```ts
 * for (const batch of shuffledBatches([1, 2, 3], { batchSize: 2, epochs: 2 })) console.log(batch);
 * ```
 */
export function shuffledBatches<T>(items: readonly T[], options: ShuffledBatchesOptions): Iterable<readonly T[]> {
  const { batchSize, epochs = 1, seed = 0, startStep = 0 } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw invalidArgument('batchSize to be a whole number ≥ 1', batchSize);
  if (!Number.isInteger(epochs) || epochs < 1) throw invalidArgument('epochs to be a whole number ≥ 1', epochs);
  function* batches() {
    const random = seededRandom(seed);
    let step = 0;
    for (let epoch = 0; epoch < epochs; epoch += 1) {
      const order = shuffled(items, random);
      for (let at = 0; at < order.length; at += batchSize)
        if (step++ >= startStep) yield order.slice(at, at + batchSize);
    }
  }
  return { [Symbol.iterator]: batches };
}

function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  const keyed = items.map((item) => ({ item, key: random() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}
