import type { SchedulerLike, Subscription } from 'rxjs';

/** What must be over in time. */
export interface Timed {
  readonly timeoutMs: number;
  /** Told that the time is over. */
  late(): void;
}

/** Deadlines of many requests by few timers: one for each length of time, as those of one length end in order. */
export class RequestTimers {
  private readonly queues = new Map<number, { readonly deadlines: Map<Timed, number>; timer?: Subscription }>();

  /**
   * @param scheduler time of the deadlines
   * @param mayLinger whether a timer may wait on when nothing is left to wait for: where it keeps no process alive, that
   * is cheaper than to set it for each request
   */
  constructor(
    private readonly scheduler: SchedulerLike,
    private readonly mayLinger = false,
  ) {}

  /** Tells the request when its time is over, unless it is stopped before. */
  start(timed: Timed): void {
    const { timeoutMs } = timed;
    let queue = this.queues.get(timeoutMs);
    if (queue === undefined) {
      queue = { deadlines: new Map() };
      this.queues.set(timeoutMs, queue);
    }
    queue.deadlines.set(timed, this.scheduler.now() + timeoutMs);
    if (queue.timer === undefined) this.arm(timeoutMs, timeoutMs);
  }

  /** The request is over. */
  stop(timed: Timed): void {
    const queue = this.queues.get(timed.timeoutMs);
    if (queue?.deadlines.delete(timed) !== true || queue.deadlines.size > 0 || this.mayLinger) return;
    queue.timer?.unsubscribe();
    this.queues.delete(timed.timeoutMs);
  }

  private arm(timeoutMs: number, delayMs: number): void {
    const queue = this.queues.get(timeoutMs);
    if (queue === undefined) return;
    queue.timer = this.scheduler.schedule(() => {
      const now = this.scheduler.now();
      for (const [timed, at] of queue.deadlines) {
        if (at > now) {
          this.arm(timeoutMs, at - now);
          return;
        }
        queue.deadlines.delete(timed);
        timed.late();
      }
      if (this.queues.get(timeoutMs) === queue) this.queues.delete(timeoutMs);
    }, delayMs);
  }
}
