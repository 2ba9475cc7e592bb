import { type SchedulerAction, type SchedulerLike, Subscription } from 'rxjs';

/** A timer that may be set again, as RxJS asks of a scheduled action. */
class BackgroundAction<T> extends Subscription implements SchedulerAction<T> {
  constructor(private readonly work: (this: SchedulerAction<T>, state?: T) => void) {
    super();
  }

  schedule(state?: T, delay = 0): Subscription {
    if (this.closed) return this;
    const timer = setTimeout(() => {
      this.remove(clear);
      this.work(state);
    }, delay);
    const clear = new Subscription(() => {
      clearTimeout(timer);
    });
    // Browsers number their timers; only Node's can be told not to keep a process alive.
    if (typeof timer === 'object') timer.unref();
    this.add(clear);
    return this;
  }
}

/** The clock of heartbeats, token refreshes and notices: its timers do not keep a process alive. */
export const backgroundScheduler: SchedulerLike = {
  now: () => Date.now(),
  schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription {
    return new BackgroundAction(work).schedule(state, delay);
  },
};
