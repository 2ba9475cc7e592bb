import { memoryAvailable, memoryInUse } from './machineMemory.js';

/** How much memory there is for weights and for passes. */
export class MemoryGauge {
  readonly #before = memoryInUse();
  #held = 0;

  /** `limit`: bytes that weights and passes may take together; if missing what the machine, or the group of processes, has free. */
  constructor(private readonly limit: number | undefined) {}

  /** Bytes that are free for further weights. */
  free(): number {
    if (this.limit !== undefined) return Math.max(0, this.limit - this.#held);
    // What the runtime keeps from passes before is free for the next.
    const reusable = memoryInUse() - this.#before - this.#held;
    return memoryAvailable() + Math.max(0, reusable);
  }

  /** Notes weights that were loaded. */
  hold(bytes: number): void {
    this.#held += bytes;
  }
}
