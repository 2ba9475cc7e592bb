import type { SchedulerLike } from 'rxjs';
import { Budget } from '../../operators/budget.js';
import { type SizedWaiter, bytesOf } from '../../operators/byteBudget.js';
import { Slots } from '../transport/slots.js';

/** Most samples that are being submitted at once, and so many while the server asks for less. */
const SUBMISSIONS = 400;
const THROTTLED_SUBMISSIONS = 10;
/** What a prompt counts for in the budget of bytes while the server asks for less. */
const THROTTLED_COST = 20;
/** How long after a pause the server still counts as asking for less, in milliseconds. */
const THROTTLED_AFTER = 10_000;

/**
 * What the samples of one service share as they are submitted: at most 400 at a time and no more bytes of prompts than the server allows.
 *
 * After a 429 all of them pause for 1 s, or 5 s for a large prompt, and the same request is sent again, without an end;
 * until 10 s after the pause only 10 are submitted at a time, and their bytes count twentyfold.
 */
export class SampleDispatch {
  readonly submissions = new Slots(SUBMISSIONS);
  readonly throttled = new Slots(THROTTLED_SUBMISSIONS);
  readonly budget: Budget<SizedWaiter>;
  private pausedUntil: number | undefined;

  /** @param limit bytes of prompts at a time */
  constructor(
    limit: number,
    readonly scheduler: SchedulerLike,
  ) {
    this.budget = new Budget(limit, bytesOf);
  }

  /** Pauses all submissions that are not on their way. */
  pause(milliseconds: number): void {
    this.pausedUntil = Math.max(this.pausedUntil ?? 0, this.scheduler.now() + milliseconds);
  }

  /** Milliseconds until the pause is over. */
  pauseLeft(): number {
    return this.pausedUntil === undefined ? 0 : this.pausedUntil - this.scheduler.now();
  }

  isThrottled(): boolean {
    return this.pausedUntil !== undefined && this.scheduler.now() - this.pausedUntil < THROTTLED_AFTER;
  }

  /** What a prompt counts for now. */
  cost(bytes: number): number {
    return this.isThrottled() ? bytes * THROTTLED_COST : bytes;
  }
}
