import { type Unsubscribable, noop } from 'rxjs';
import type { TinkerError } from '../errors.js';
import type { Sink } from './settler.js';

/** Something that was sent, or was not to be. */
export interface SentTicket {
  /** Waits for what came of it, if that is to be waited for; never errors. */
  poll(sink: Sink<never>): Unsubscribable | undefined;
}

/** One operation on its way. */
export interface Ticket extends SentTicket {
  /** Sends; emits the ticket to poll, also where nothing is waited for. Never errors. */
  send(sink: Sink<SentTicket>): Unsubscribable | undefined;
  fail(error: TinkerError): void;
}

/** How operations are sent: one after another (the lane), or at once. */
export interface Road {
  enter(ticket: Ticket): void;
  /** Takes up the wait for something that was sent before. */
  resume(ticket: Ticket): void;
}

const nowhere: Sink<never> = { closed: false, next: noop, complete: noop };
const polled: Sink<SentTicket> = {
  closed: false,
  next: (ticket) => {
    ticket.poll(nowhere);
  },
  complete: noop,
};

/** The road of operations that need no order: sampling, creation, questions. */
export const directRoad: Road = {
  enter(ticket) {
    ticket.send(polled);
  },
  resume(ticket) {
    ticket.poll(nowhere);
  },
};
