import { type Waiter, WaitingLine } from '../../operators/waitingLine.js';

/** Lets at most so many pieces of work run at once; the others wait in the order in which they came. */
export class Slots {
  private running = 0;
  private readonly line = new WaitingLine<Waiter>();
  private admitting = false;

  constructor(private readonly limit: number) {}

  /** Whether there is a slot at once; else the waiter begins when there is one. Whoever entered leaves once. */
  enter(waiter: Waiter): boolean {
    if (this.running < this.limit && this.line.isEmpty()) {
      this.running += 1;
      return true;
    }
    this.line.add(waiter);
    return false;
  }

  /** Gives the slot back, or leaves the queue before there was one. */
  leave(waiter: Waiter): void {
    if (this.line.delete(waiter)) return;
    this.running -= 1;
    if (!this.line.isEmpty()) this.admit();
  }

  private admit(): void {
    // Work that ends at once comes here again from within; the loop then goes on instead of a deeper call.
    if (this.admitting) return;
    this.admitting = true;
    for (let next = this.line.first(); next !== undefined && this.running < this.limit; next = this.line.first()) {
      this.line.delete(next);
      this.running += 1;
      next.begin();
    }
    this.admitting = false;
  }
}
