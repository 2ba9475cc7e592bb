import { type SchedulerAction, type SchedulerLike, Subscription } from 'rxjs';
import { SimulatedTime } from './simulatedTime.js';

type Work<T> = (this: SchedulerAction<T>, state?: T) => void;

/** The timers and the clock of one process: they end with it, stand still while it hangs, and its clock may jump. */
export class SimulatedProcess implements SchedulerLike {
  private readonly timers = new Set<() => void>();
  private skew = 0;
  private hangsUntil = 0;
  private ended = false;

  constructor(readonly time: SimulatedTime) {}

  now(): number {
    return SimulatedTime.start + this.time.frame + this.skew;
  }

  schedule<T>(work: Work<T>, delay = 0, state?: T): Subscription {
    return new ProcessAction(this, work).schedule(state, delay);
  }

  /** Calls `run` after `delay` milliseconds unless the process has ended; gives what cancels it. */
  after(delay: number, run: () => void): () => void {
    if (this.ended) return () => undefined;
    const cancel = (): void => {
      this.timers.delete(cancel);
      stop();
    };
    const fire = (): void => {
      const hangs = this.hangsUntil - this.time.frame;
      if (hangs > 0) {
        stop = this.time.after(hangs, fire);
        return;
      }
      this.timers.delete(cancel);
      run();
    };
    let stop = this.time.after(delay, fire);
    this.timers.add(cancel);
    return cancel;
  }

  sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(milliseconds, resolve);
    });
  }

  /** Somebody sets its clock. */
  jump(milliseconds: number): void {
    this.skew += milliseconds;
  }

  /** Its event loop is blocked, or the machine sleeps. */
  hang(milliseconds: number): void {
    this.hangsUntil = this.time.frame + milliseconds;
  }

  /** Ends at once, as by kill -9. */
  end(): void {
    this.ended = true;
    for (const cancel of [...this.timers]) cancel();
  }

  /** Timers that would still fire. */
  get pending(): number {
    return this.timers.size;
  }
}

class ProcessAction<T> extends Subscription implements SchedulerAction<T> {
  constructor(
    private readonly process: SimulatedProcess,
    private readonly work: Work<T>,
  ) {
    super();
  }

  schedule(state?: T, delay = 0): Subscription {
    if (this.closed || !Number.isFinite(delay)) return this;
    const cancel = this.process.after(delay, () => {
      this.remove(cancel);
      this.work(state);
    });
    this.add(cancel);
    return this;
  }
}
