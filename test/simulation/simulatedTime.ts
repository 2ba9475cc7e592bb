import { VirtualAction, VirtualTimeScheduler } from 'rxjs';

/** Virtual time that advances by one due action at a time, so that promises in between settle as they would. */
export class SimulatedTime extends VirtualTimeScheduler {
  /** 2020-01-01, so that nothing depends on a time of zero. */
  static readonly start = 1_577_836_800_000;

  constructor() {
    super(VirtualAction, Infinity);
  }

  override now = (): number => SimulatedTime.start + this.frame;

  /** Fires due actions until `done`, or nothing is left to fire; true if it was done. */
  async runUntil(done: () => boolean, longest = Infinity): Promise<boolean> {
    const end = this.frame + longest;
    for (;;) {
      await settlePromises();
      if (done()) return true;
      const action = this.actions.shift();
      if (action === undefined || action.delay > end) return false;
      this.frame = action.delay;
      const error: unknown = action.execute(action.state, action.delay);
      if (error !== undefined) throw error instanceof Error ? error : new Error(String(error));
    }
  }

  /** Actions that would still fire. */
  get pending(): number {
    return this.actions.filter((action) => !action.closed).length;
  }
}

/** Waits until no promise that is settled has anything left to run. */
function settlePromises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
