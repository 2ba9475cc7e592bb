import { type Waiter, WaitingLine } from './waitingLine.js';

/** What may be in use at once, of bytes or of places, and the work that waits for some in the order in which it came. */
export class Budget<W extends Waiter> {
  private inUse = 0;
  private readonly line = new WaitingLine<W>();
  private admitting = false;

  /** @param costOf what a piece of work takes; always the same for one */
  constructor(
    private readonly limit: number,
    private readonly costOf: (waiter: W) => number,
  ) {}

  /** Whether it fits at once, or alone; else it begins when it does. Whoever entered leaves once. */
  enter(waiter: W): boolean {
    if (this.line.isEmpty() && this.fits(waiter)) {
      this.inUse += this.costOf(waiter);
      return true;
    }
    this.line.add(waiter);
    return false;
  }

  /** Gives back what it took, or leaves the queue before it had that. */
  leave(waiter: W): void {
    if (!this.line.delete(waiter)) this.inUse -= this.costOf(waiter);
    if (!this.line.isEmpty()) this.admit();
  }

  private admit(): void {
    // Work that ends at once calls this again from within; the loop then goes on instead of a deeper call.
    if (this.admitting) return;
    this.admitting = true;
    for (let next = this.line.first(); next !== undefined && this.fits(next); next = this.line.first()) {
      this.line.delete(next);
      this.inUse += this.costOf(next);
      next.begin();
    }
    this.admitting = false;
  }

  private fits(waiter: W): boolean {
    return this.inUse === 0 || this.inUse + this.costOf(waiter) <= this.limit;
  }
}
