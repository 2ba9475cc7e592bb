import { type Observable, mergeMap } from 'rxjs';
import type { TinkerError } from '../errors.js';

/** One operation on its way: `send` emits the ticket to poll, also where nothing is waited for; neither ever errors. */
export interface Ticket {
  send(): Observable<Ticket>;
  poll(): Observable<never>;
  fail(error: TinkerError): void;
}

/** How operations are sent: one after another (the lane), or at once. */
export interface Road {
  enter(ticket: Ticket): void;
  /** Takes up the wait for something that was sent before. */
  resume(ticket: Ticket): void;
}

/** The road of operations that need no order: sampling, creation, questions. */
export const directRoad: Road = {
  enter(ticket) {
    ticket
      .send()
      .pipe(mergeMap((sent) => sent.poll()))
      .subscribe();
  },
  resume(ticket) {
    ticket.poll().subscribe();
  },
};
