import type { SchedulerLike, Subscription } from 'rxjs';

interface Deadline {
  readonly at: number;
  readonly late: () => void;
}

/** Deadlines of many requests by few timers: one for each length of time, as those of one length end in order. */
export class RequestTimers {
  private readonly queues = new Map<number, { readonly deadlines: Set<Deadline>; timer?: Subscription }>();

  constructor(private readonly scheduler: SchedulerLike) {}

  /** Calls `late` after so many milliseconds, unless the returned function was called before. */
  start(timeoutMs: number, late: () => void): () => void {
    let queue = this.queues.get(timeoutMs);
    if (queue === undefined) {
      queue = { deadlines: new Set() };
      this.queues.set(timeoutMs, queue);
    }
    const { deadlines } = queue;
    const deadline: Deadline = { at: this.scheduler.now() + timeoutMs, late };
    deadlines.add(deadline);
    if (queue.timer === undefined) this.arm(timeoutMs, timeoutMs);
    return () => {
      if (!deadlines.delete(deadline) || deadlines.size > 0) return;
      // A timer for nobody would keep the process alive.
      this.queues.get(timeoutMs)?.timer?.unsubscribe();
      this.queues.delete(timeoutMs);
    };
  }

  private arm(timeoutMs: number, delayMs: number): void {
    const queue = this.queues.get(timeoutMs);
    if (queue === undefined) return;
    queue.timer = this.scheduler.schedule(() => {
      const now = this.scheduler.now();
      for (const deadline of queue.deadlines) {
        if (deadline.at > now) {
          this.arm(timeoutMs, deadline.at - now);
          return;
        }
        queue.deadlines.delete(deadline);
        deadline.late();
      }
      if (this.queues.get(timeoutMs) === queue) this.queues.delete(timeoutMs);
    }, delayMs);
  }
}
