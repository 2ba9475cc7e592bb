import { seededRandom } from '../../../operators/seededRandom.js';

/** How data is cut into batches. */
export interface EpochOptions {
  readonly batchSize: number;
  readonly epochs: number;
  /** Of the order, which is another in each epoch. */
  readonly seed: number;
}

/** Batches of several epochs; which data a step has depends on its number alone. */
export class EpochBatches<T> {
  readonly stepsPerEpoch: number;
  readonly steps: number;

  constructor(
    private readonly data: readonly T[],
    private readonly options: EpochOptions,
  ) {
    this.stepsPerEpoch = Math.ceil(data.length / options.batchSize);
    this.steps = this.stepsPerEpoch * options.epochs;
  }

  /** The batches from a step on, until the signal is aborted. */
  *from(startStep: number, signal: AbortSignal): Generator<readonly T[]> {
    let epoch = -1;
    let order: readonly T[] = [];
    for (let step = startStep; step < this.steps && !signal.aborted; step += 1) {
      const current = Math.floor(step / this.stepsPerEpoch);
      if (current !== epoch) {
        epoch = current;
        order = shuffled(this.data, this.options.seed * 1_000_003 + epoch);
      }
      const first = (step % this.stepsPerEpoch) * this.options.batchSize;
      yield order.slice(first, first + this.options.batchSize);
    }
  }
}

/** The items in another order, by Fisher and Yates. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = seededRandom(seed);
  const order = [...items];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other] as T, order[last] as T];
  }
  return order;
}
