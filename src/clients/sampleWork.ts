import { Observable } from 'rxjs';
import type { Waiter } from '../../operators/waitingLine.js';
import type { TinkerError } from '../errors.js';
import type { Slots } from '../transport/slots.js';
import type { SampleOutput } from '../wire/index.js';
import type { OperationContext, OperationWork } from './operationWork.js';
import type { SentSample } from './samplePost.js';
import type { SampleQueue } from './sampleQueue.js';
import type { SampleJob } from './sampleRequest.js';
import { SampleSending } from './sampleSending.js';
import { SampleWaiting } from './sampleWaiting.js';

/**
 * The work of one sample: one object for its whole life, as thousands of them wait at a time. What nobody waits for any
 * more is cancelled where the server can do that; who subscribes again then gets a new sample of the same request.
 */
export class SampleWork implements OperationWork<SentSample, SampleOutput>, Waiter {
  readonly type = 'sample';
  private context: OperationContext | undefined;
  private slots: Slots | undefined;
  private sending: SampleSending | undefined;
  /** What may be to be cancelled. */
  private taken: SentSample | undefined;
  private isSettled = false;

  constructor(
    readonly queue: SampleQueue,
    readonly job: SampleJob,
  ) {}

  get samplingSessionId(): string {
    return this.queue.samplingSessionId;
  }

  send(context: OperationContext): Observable<SentSample> {
    this.context = context;
    return new Observable((subscriber) => {
      this.sending = new SampleSending(this, context, subscriber);
      subscriber.add(this.sending);
      this.sending.start();
    });
  }

  poll(sent: SentSample, context: OperationContext): Observable<SampleOutput> {
    this.context = context;
    return new Observable((subscriber) => {
      const waiting = new SampleWaiting(this, sent, context, subscriber);
      subscriber.add(waiting);
      waiting.start();
    });
  }

  abandoned(): void {
    if (this.sending === undefined) this.leave();
    else this.sending.abandoned();
  }

  settled(outcome: { readonly value: SampleOutput } | { readonly error: TinkerError }): void {
    const isAborted = 'error' in outcome && outcome.error.code === 'aborted';
    if (!isAborted) this.taken = undefined;
    this.isSettled = true;
    this.leave();
    this.sending?.abandoned();
  }

  isWanted(): boolean {
    return !this.isSettled && this.context?.isWanted() !== false;
  }

  /** Whether there is a slot at once, which outlives the sending; else the sending goes on when there is one. */
  enter(slots: Slots): boolean {
    this.slots = slots;
    return slots.enter(this);
  }

  /** The slot is there. */
  begin(): void {
    this.sending?.submit();
  }

  /** Takes note of what the server took, and gives it up at once where nobody wants it any more. */
  took(sent: SentSample): void {
    this.taken = sent;
    if (!this.isWanted()) this.leave();
  }

  /** The sending is over. */
  ended(): void {
    this.sending = undefined;
    if (this.taken === undefined) this.leave();
  }

  private leave(): void {
    const { slots, taken } = this;
    this.slots = undefined;
    slots?.leave(this);
    if (taken !== undefined) this.queue.cancel(taken, this);
  }
}
