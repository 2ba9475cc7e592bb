import { EMPTY, Observable, Subject, type Subscriber, defer, identity, ignoreElements, take, takeUntil } from 'rxjs';
import { Relay } from './relay.js';
import { sendInOrder } from '../../operators/sendInOrder.js';
import { type SentOperation, TinkerError } from '../errors.js';
import { isDefiniteRefusal } from '../transport/retryTable.js';
import type { Road, SentTicket, Ticket } from './road.js';

/** Promises polled at once: a model finishes in order, so the oldest few are enough. */
const CONCURRENT_POLLS = 4;
/** Sends remembered for `laterSent`; older ones are of no use to who reads an error. */
const REMEMBERED_SENDS = 256;

/** The one queue of a model: sends leave it one at a time in order of subscription, polling goes on beside it. */
export class Lane implements Road {
  private nextSeqId: number;
  private readonly tickets = new Subject<Ticket>();
  private readonly resumed = new Subject<Ticket>();
  private readonly ended = new Subject<void>();
  private readonly emptied = new Subject<void>();
  private underWay = 0;
  private sent: SentOperation[] = [];
  private stopped: TinkerError | undefined;
  private broken: TinkerError | undefined;
  private dirty: TinkerError | undefined;

  /** @param firstSeqId 1, or 2 where an older server's load took 1. */
  constructor(firstSeqId: number) {
    this.nextSeqId = firstSeqId;
    this.tickets
      .pipe(
        sendInOrder({
          send: (ticket) => this.send(ticket),
          poll: (ticket: SentTicket) => this.poll(ticket),
          concurrentPolls: CONCURRENT_POLLS,
          resume: this.resumed,
        }),
        takeUntil(this.ended),
      )
      .subscribe();
  }

  enter(ticket: Ticket): void {
    const refused = this.broken ?? this.stopped;
    if (refused !== undefined) {
      ticket.fail(refused);
      return;
    }
    this.underWay += 1;
    this.tickets.next(ticket);
  }

  resume(ticket: Ticket): void {
    this.underWay += 1;
    this.resumed.next(ticket);
  }

  /** Sends one request of the operation whose turn it is; a definite refusal gives the seq_id back. */
  post<T>(
    type: string,
    request: (seqId: number) => Observable<T>,
    isRefusal: (error: TinkerError) => boolean = isDefiniteRefusal,
    explain: (error: unknown) => unknown = identity,
  ): Observable<Posted<T>> {
    return new Observable((subscriber) => {
      const seqId = this.nextSeqId;
      return request(seqId).subscribe(new Posting(subscriber, this, { type, seqId, isRefusal, explain }));
    });
  }

  /** The error that keeps operations from being sent until a load succeeds, if there is one. */
  get gradientDirty(): TinkerError | undefined {
    return this.dirty;
  }

  /** From here on operations fail with `gradient_dirty`, until `acceptGradient`. */
  markDirty(cause: TinkerError): void {
    this.dirty ??= new TinkerError(
      'gradient_dirty',
      'Not sent: an earlier forwardBackward was accepted in part only, so the accumulated gradient is part of a batch. ' +
        'Load a checkpoint (loadStateWithOptimizer), or call training.acceptGradient() to go on with it as it is.',
      { cause, details: cause.details },
    );
  }

  acceptGradient(): void {
    this.dirty = undefined;
  }

  /** What was sent behind a seq_id, the latest 256 sends at most. */
  sentAfter(seqId: number): readonly SentOperation[] {
    return this.sent.filter((operation) => operation.seqId > seqId);
  }

  /** Takes no new operation from now on. */
  stop(error: TinkerError): void {
    this.stopped ??= error;
  }

  /** Undoes a `stop` that came to nothing. */
  reopen(error: TinkerError): void {
    if (this.stopped === error) this.stopped = undefined;
  }

  /** Completes when nothing is queued, sent or polled. */
  drained(): Observable<never> {
    return defer(() => (this.underWay === 0 ? EMPTY : this.emptied.pipe(take(1), ignoreElements())));
  }

  /** Ends every send and poll at once. */
  destroy(): void {
    this.ended.next();
    this.tickets.complete();
    this.resumed.complete();
  }

  private send(ticket: Ticket): Observable<SentTicket> {
    if (this.broken !== undefined) ticket.fail(this.broken);
    return new Observable((subscriber) => ticket.send(subscriber));
  }

  private poll(ticket: SentTicket): Observable<never> {
    return new Observable((subscriber) => {
      subscriber.add(() => {
        this.leave();
      });
      return ticket.poll(subscriber);
    });
  }

  private leave(): void {
    this.underWay -= 1;
    if (this.underWay === 0) this.emptied.next();
  }

  /** The seq_id is used. */
  spend(type: string, seqId: number): void {
    this.nextSeqId = seqId + 1;
    this.sent.push({ type, seqId });
    if (this.sent.length > 2 * REMEMBERED_SENDS) this.sent = this.sent.slice(-REMEMBERED_SENDS);
  }

  /** The seq_id may be used: nothing more is sent. */
  outcomeUnknown(type: string, seqId: number, error: TinkerError): TinkerError {
    this.spend(type, seqId);
    if (error.code === 'invalid_response') return error;
    this.broken = new TinkerError(
      'lane_broken',
      `${type} with seq_id ${String(seqId)} was sent, but its outcome is unknown: ${error.message} ` +
        'The server may have run it, so nothing more is sent to this model. ' +
        'Go on from the last checkpoint with service.createTrainingClientFromStateWithOptimizer(path).',
      { cause: error, details: { operation: type, seqId } },
    );
    return this.broken;
  }
}

/** What the server took, and under which seq_id. */
export interface Posted<T> {
  readonly seqId: number;
  readonly promise: T;
}

/** What comes of sending one request under a seq_id. */
class Posting<T> extends Relay<T, Posted<T>> {
  constructor(
    subscriber: Subscriber<Posted<T>>,
    private readonly lane: Lane,
    private readonly request: SentOperation & {
      isRefusal(error: TinkerError): boolean;
      explain(error: unknown): unknown;
    },
  ) {
    super(subscriber);
  }

  next(promise: T): void {
    const { type, seqId } = this.request;
    this.lane.spend(type, seqId);
    this.subscriber.next({ seqId, promise });
  }

  override error(error: unknown): void {
    const { lane, request } = this;
    const isUnknown = error instanceof TinkerError && !request.isRefusal(error);
    this.subscriber.error(request.explain(isUnknown ? lane.outcomeUnknown(request.type, request.seqId, error) : error));
  }
}
