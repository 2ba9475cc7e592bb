import type { Unsubscribable } from 'rxjs';
import type { TinkerError } from '../errors.js';
import type { SentTicket, Ticket } from './road.js';
import type { Sink } from './settler.js';

/** The operation behind a ticket. */
export interface TicketHolder {
  send(ticket: OperationTicket, sink: Sink<SentTicket>): Unsubscribable | undefined;
  poll(ticket: OperationTicket, sink: Sink<never>): Unsubscribable | undefined;
  fail(error: TinkerError): void;
}

/** The place of an operation in a road; it forgets the operation when that leaves, so that a queue keeps no data. */
export class OperationTicket implements Ticket {
  constructor(private holder: TicketHolder | undefined) {}

  send(sink: Sink<SentTicket>): Unsubscribable | undefined {
    if (this.holder !== undefined) return this.holder.send(this, sink);
    sink.next(this);
    sink.complete();
    return undefined;
  }

  poll(sink: Sink<never>): Unsubscribable | undefined {
    if (this.holder !== undefined) return this.holder.poll(this, sink);
    sink.complete();
    return undefined;
  }

  fail(error: TinkerError): void {
    this.holder?.fail(error);
  }

  forget(): void {
    this.holder = undefined;
  }
}
