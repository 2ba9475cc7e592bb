import { Observable } from 'rxjs';

/** Lets at most so many pieces of work run at once; the others wait in order of subscription. */
export class Slots {
  private running = 0;
  private readonly waiting = new Set<() => void>();

  constructor(private readonly limit: number) {}

  /** Emits what gives the slot back, when there is one; unsubscribing before that leaves the queue. */
  take(): Observable<() => void> {
    return new Observable((subscriber) => {
      const enter = (): void => {
        this.waiting.delete(enter);
        this.running += 1;
        let held = true;
        subscriber.next(() => {
          if (!held) return;
          held = false;
          this.running -= 1;
          const [next] = this.waiting;
          next?.();
        });
        subscriber.complete();
      };
      if (this.running < this.limit) enter();
      else this.waiting.add(enter);
      return () => this.waiting.delete(enter);
    });
  }
}
