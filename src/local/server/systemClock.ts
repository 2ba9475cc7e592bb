import { Subscription, type SchedulerAction, type SchedulerLike } from 'rxjs';
import type { Clock } from './clock.js';

type Work<T> = (this: SchedulerAction<T>, state: T) => void;

/** Work of the scheduler below; its timer does not keep a process alive. */
class UnreferencedAction<T> extends Subscription implements SchedulerAction<T> {
  readonly #work: Work<T>;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(work: Work<T>) {
    super();
    this.#work = work;
    this.add(() => {
      clearTimeout(this.#timer);
    });
  }

  schedule(state?: T, delay = 0): Subscription {
    if (this.closed) return this;
    clearTimeout(this.#timer);
    const timer = setTimeout(() => {
      // Work that takes a state was scheduled with one.
      this.#work.call(this, state as T);
      if (this.#timer === timer) this.unsubscribe();
    }, delay);
    this.#timer = timer;
    // Browsers' timers are numbers.
    if (typeof timer === 'object') timer.unref();
    return this;
  }
}

const scheduler: SchedulerLike = {
  now: () => Date.now(),
  schedule: <T>(work: Work<T>, delay?: number, state?: T) => new UnreferencedAction(work).schedule(state, delay),
};

/** Real time; waiting for it does not keep a process alive. */
export const systemClock: Clock = { now: () => Date.now(), scheduler };
