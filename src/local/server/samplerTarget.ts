import type { Engine, SamplerWeights } from '../engine/engine.js';

/** Weights in the engine that samples are drawn from; they leave it once retired and no sample uses them. */
export class SamplerTarget {
  readonly #engine: Engine;
  readonly #id: string;
  readonly #ready: Promise<void>;
  #users = 0;
  #retired = false;
  #removed = false;

  constructor(engine: Engine, id: string, weights: () => Promise<SamplerWeights>) {
    this.#engine = engine;
    this.#id = id;
    this.#ready = weights().then((loaded) => engine.createSampler(id, loaded));
    // Each sample tells of a failure; it must not end the process before the first one asks.
    this.#ready.catch(() => undefined);
  }

  /** Fulfilled when the engine has the weights. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** Runs work with the engine's id of these weights, which stay at least until it is done. */
  async use<T>(work: (engineId: string) => Promise<T>): Promise<T> {
    this.#users += 1;
    try {
      await this.#ready;
      return await work(this.#id);
    } finally {
      this.#users -= 1;
      this.#removeIfIdle();
    }
  }

  /** Lets go of the weights. */
  retire(): void {
    this.#retired = true;
    this.#removeIfIdle();
  }

  #removeIfIdle(): void {
    if (!this.#retired || this.#users > 0 || this.#removed) return;
    this.#removed = true;
    // Weights that never arrived need no removal, and a failed removal leaves nothing to do.
    this.#ready.then(() => this.#engine.removeSampler(this.#id)).catch(() => undefined);
  }
}
