import { Budget } from '../../operators/budget.js';
import type { Waiter } from '../../operators/waitingLine.js';

/** Lets at most so many pieces of work run at once; the others wait in the order in which they came. */
export class Slots extends Budget<Waiter> {
  constructor(limit: number) {
    super(limit, () => 1);
  }
}
