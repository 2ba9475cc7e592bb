import { refusal } from '../refusal.js';

/** How much memory one request may take beside its bytes: some bodies unfold to many times their length. */
export class MemoryBudget {
  #left: number;

  constructor(bytes = 64 * 1024 * 1024) {
    this.#left = bytes;
  }

  /** @throws TinkerError with status 413 when the request takes more than it may. */
  take(bytes: number, where: string): void {
    this.#left -= bytes;
    if (!(this.#left >= 0))
      throw refusal(413, `${where}: The request unfolds to too much. Send fewer examples at a time.`);
  }
}
