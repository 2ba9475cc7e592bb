interface Due {
  readonly at: number;
  run: (() => void) | undefined;
}

/** Virtual time that fires one due timer at a time and lets promises settle before the next, as an event loop would. */
export class SimulatedTime {
  /** 2020-01-01, so that nothing depends on a time of zero. */
  static readonly start = 1_577_836_800_000;
  /** Milliseconds since the start. */
  frame = 0;
  private readonly queue: Due[] = [];

  /** Calls `run` after `delay` milliseconds, behind what is due at the same time; gives what cancels it. */
  after(delay: number, run: () => void): () => void {
    const due: Due = { at: this.frame + Math.max(0, delay), run };
    let index = this.queue.length;
    while (index > 0 && (this.queue[index - 1]?.at ?? 0) > due.at) index -= 1;
    this.queue.splice(index, 0, due);
    return () => {
      due.run = undefined;
    };
  }

  /** Fires what is due until `done`, for `longest` milliseconds at most; true if it was done. */
  async runUntil(done: () => boolean, longest: number): Promise<boolean> {
    const end = this.frame + longest;
    for (;;) {
      await settlePromises();
      if (done()) return true;
      const due = this.next(end);
      if (due === undefined) {
        this.frame = end;
        return false;
      }
      this.frame = due.at;
      due.run?.();
    }
  }

  private next(end: number): Due | undefined {
    for (;;) {
      const [first] = this.queue;
      if (first === undefined || first.at > end) return undefined;
      this.queue.shift();
      if (first.run !== undefined) return first;
    }
  }
}

/** Waits until no promise that is settled has anything left to run. */
function settlePromises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
