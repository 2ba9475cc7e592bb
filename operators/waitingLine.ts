/** What waits for its turn. */
export interface Waiter {
  /** Called once, when the turn has come after a wait. */
  begin(): void;
}

/** What waits, in order of arrival; any may leave, and the first is found at once however many left before it. */
export class WaitingLine<W extends Waiter> {
  private readonly waiting = new Set<W>();
  /** Kept from one look to the next, as a new one would pass by the places of all that left. */
  private rest: Iterator<W> | undefined;
  private head: W | undefined;

  isEmpty(): boolean {
    return this.waiting.size === 0;
  }

  add(waiter: W): void {
    this.waiting.add(waiter);
  }

  /** Gives back whether it was there. */
  delete(waiter: W): boolean {
    if (!this.waiting.delete(waiter)) return false;
    if (this.head === waiter) this.head = undefined;
    // An iterator that is not used any more would keep those that it has not passed.
    if (this.waiting.size === 0) this.rest = undefined;
    return true;
  }

  /** Who has waited longest. */
  first(): W | undefined {
    if (this.head !== undefined || this.waiting.size === 0) return this.head;
    this.rest ??= this.waiting.values();
    const next = this.rest.next();
    if (next.done !== true) this.head = next.value;
    return this.head;
  }
}
