import { asTinkerError } from './operationErrors.js';
import type { OperationState } from './operationState.js';
import type { OperationTicket } from './operationTicket.js';
import type { OperationWork } from './operationWork.js';
import type { SentTicket } from './road.js';
import { type Sink, Settler } from './settler.js';

/** The sending of an operation. */
export class SendStep<S, T> extends Settler<S, SentTicket> {
  constructor(
    sink: Sink<SentTicket>,
    private readonly state: OperationState<S, T>,
    private readonly work: OperationWork<S, T>,
    private readonly ticket: OperationTicket,
  ) {
    super(sink);
  }

  protected settle(sent: { readonly value: S } | undefined): SentTicket {
    return this.state.sendEnded(this.work, this.ticket, sent);
  }

  protected fail(error: unknown): SentTicket {
    this.state.fail(asTinkerError(error, this.work.type));
    return this.ticket;
  }
}

/** The wait for the result of an operation. */
export class PollStep<S, T> extends Settler<T, never> {
  constructor(
    sink: Sink<never>,
    private readonly state: OperationState<S, T>,
    private readonly work: OperationWork<S, T>,
  ) {
    super(sink);
  }

  protected settle(result: { readonly value: T } | undefined): undefined {
    if (result !== undefined) this.state.succeed(result.value, this.work);
  }

  protected fail(error: unknown): undefined {
    this.state.pollFailed(asTinkerError(error, this.work.type));
  }
}
