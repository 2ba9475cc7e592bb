import { EMPTY, type Observable, of } from 'rxjs';
import type { TinkerError } from '../errors.js';
import type { Ticket } from './road.js';

/** The operation behind a ticket. */
export interface TicketHolder {
  send(ticket: OperationTicket): Observable<Ticket>;
  poll(ticket: OperationTicket): Observable<never>;
  fail(error: TinkerError): void;
}

/** The place of an operation in a road; it forgets the operation when that leaves, so that a queue keeps no data. */
export class OperationTicket implements Ticket {
  constructor(private holder: TicketHolder | undefined) {}

  send(): Observable<Ticket> {
    return this.holder?.send(this) ?? of(this);
  }

  poll(): Observable<never> {
    return this.holder?.poll(this) ?? EMPTY;
  }

  fail(error: TinkerError): void {
    this.holder?.fail(error);
  }

  forget(): void {
    this.holder = undefined;
  }
}
