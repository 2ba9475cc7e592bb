/** Work that is done in slices. */
export interface Lane {
  /** Computes one slice; whether there is more to do. Never rejects. */
  advance(): Promise<boolean>;
}

/** Gives the lanes that have work a slice each, in turn, so that none waits for the whole of another's. */
export class SliceQueue {
  readonly #waiting: Lane[] = [];
  /** The lane that has its slice, and whether it was woken in the meantime. */
  #current: { readonly lane: Lane; woken: boolean } | undefined;

  /** Says that a lane has work. */
  wake(lane: Lane): void {
    if (lane === this.#current?.lane) this.#current.woken = true;
    else if (!this.#waiting.includes(lane)) this.#waiting.push(lane);
    if (this.#current === undefined) void this.#run();
  }

  async #run(): Promise<void> {
    for (let lane = this.#waiting.shift(); lane !== undefined; lane = this.#waiting.shift()) {
      const current = { lane, woken: false };
      this.#current = current;
      const more = await lane.advance();
      if (more || current.woken) this.#waiting.push(lane);
    }
    this.#current = undefined;
  }
}
