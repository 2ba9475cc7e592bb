import { Observable } from 'rxjs';

/** Lets at most so many pieces of work run at once; the others wait in the order in which they came. */
export class Slots {
  private running = 0;
  private readonly waiting = new Set<() => void>();

  constructor(private readonly limit: number) {}

  /** Begins when there is a slot, with what gives it back; the same leaves the queue before that. */
  enter(begin: (leave: () => void) => void): () => void {
    let held = false;
    let gone = false;
    const start = (): void => {
      this.waiting.delete(start);
      this.running += 1;
      held = true;
      begin(leave);
    };
    const leave = (): void => {
      if (gone) return;
      gone = true;
      this.waiting.delete(start);
      if (!held) return;
      this.running -= 1;
      if (this.waiting.size === 0) return;
      const [next] = this.waiting;
      next?.();
    };
    if (this.running < this.limit) start();
    else this.waiting.add(start);
    return leave;
  }

  /** Subscribes to some work when there is a slot, which outlives it; `keep` is given what leaves slot and queue. */
  enterFor<T>(work: Observable<T>, keep: (leave: () => void) => void): Observable<T> {
    return new Observable((subscriber) => {
      const leave = this.enter((given) => {
        keep(given);
        work.subscribe(subscriber);
      });
      keep(leave);
    });
  }
}
