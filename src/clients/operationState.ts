import {
  EMPTY,
  type Observable,
  Subject,
  type Subscriber,
  type Unsubscribable,
  catchError,
  finalize,
  ignoreElements,
  take,
  tap,
} from 'rxjs';
import { TinkerError } from '../errors.js';
import { aborted, discarded } from './operationErrors.js';
import type { OperationProgress } from './operationProgress.js';
import { PollStep, SendStep } from './operationSteps.js';
import { OperationTicket } from './operationTicket.js';
import type { OperationContext, OperationScope, OperationWork } from './operationWork.js';
import type { Road, SentTicket } from './road.js';
import type { Sink } from './settler.js';
import type { OperationSpan } from './tracing.js';

type Phase<S, T> =
  | { readonly name: 'idle' }
  | { readonly name: 'queued'; readonly ticket: OperationTicket }
  | { readonly name: 'sending' }
  | { readonly name: 'sent'; readonly sent: S }
  | { readonly name: 'polling'; readonly sent: S; readonly ticket: OperationTicket }
  | { readonly name: 'done'; readonly value: T }
  | { readonly name: 'failed'; readonly error: TinkerError };

/** The life of one operation, shared by all its subscribers: idle, queued, sending, sent, polling, done or failed. */
export class OperationState<S, T> implements OperationContext {
  span: OperationSpan | undefined;
  private phase: Phase<S, T> = { name: 'idle' };
  private work: OperationWork<S, T> | undefined;
  private readonly subscribers = new Set<Subscriber<T>>();
  private abandoned: Subject<void> | undefined;
  /** The wait under way; kept when it is over, it would keep results from the scavenger. */
  private polling: PollStep<S, T> | undefined;
  private latest: OperationProgress | undefined;
  private progress: Subject<OperationProgress> | undefined;
  private forgetSignal: (() => void) | undefined;

  constructor(
    work: OperationWork<S, T>,
    private readonly road: Road,
    private readonly scope: OperationScope,
    signal: AbortSignal | undefined,
    /** A span lasts while somebody waits: who leaves and comes back gets another. */
    private readonly startSpan?: () => OperationSpan,
  ) {
    this.work = work;
    if (signal !== undefined) this.obey(signal);
  }

  attach(subscriber: Subscriber<T>): void {
    if (this.phase.name === 'done') {
      subscriber.next(this.phase.value);
      subscriber.complete();
      return;
    }
    if (this.phase.name === 'idle' && this.scope.closed !== undefined) this.close(this.scope.closed);
    if (this.phase.name === 'failed') {
      this.replayError(subscriber, this.phase.error);
      return;
    }
    this.subscribers.add(subscriber);
    subscriber.add(() => {
      this.detach(subscriber);
    });
    this.scope.active.add(this);
    if (this.phase.name === 'idle') this.enqueue();
    else if (this.phase.name === 'sent') this.resume(this.phase.sent);
  }

  /** Emits the latest progress and what follows; never starts the operation. */
  watch(subscriber: Subscriber<OperationProgress>): void {
    if (this.latest !== undefined) subscriber.next(this.latest);
    if (this.phase.name === 'done' || this.phase.name === 'failed') {
      subscriber.complete();
      return;
    }
    this.progress ??= new Subject();
    subscriber.add(this.progress.subscribe(subscriber));
  }

  /** Ends the operation for all its subscribers, later ones too. What is being sent goes on. */
  fail(error: TinkerError): void {
    if (this.phase.name === 'done' || this.phase.name === 'failed') return;
    const listeners = this.settle({ name: 'failed', error }, { type: 'failed', error });
    for (const subscriber of listeners) subscriber.error(error);
  }

  /** Fails as the service closes, unless the work belongs to the closing. */
  close(error: TinkerError): void {
    if (this.work?.survivesClose !== true) this.fail(error);
  }

  send(ticket: OperationTicket, sink: Sink<SentTicket>): Unsubscribable | undefined {
    const { work } = this;
    if (work !== undefined && this.phase.name === 'queued') {
      this.phase = { name: 'sending' };
      return new SendStep(sink, this, work, ticket).begin(() => work.send(this));
    }
    sink.next(ticket);
    sink.complete();
    return undefined;
  }

  poll(ticket: OperationTicket, sink: Sink<never>): Unsubscribable | undefined {
    const { work, phase } = this;
    if (work !== undefined && phase.name === 'polling' && phase.ticket === ticket) {
      this.polling = new PollStep(sink, this, work);
      return this.polling.begin(() => work.poll(phase.sent, this));
    }
    sink.complete();
    return undefined;
  }

  /** Takes note of what came of sending; gives the ticket of the wait, which ends at once if there is none. */
  sendEnded(work: OperationWork<S, T>, ticket: OperationTicket, answer: { readonly value: S } | undefined): SentTicket {
    if (answer !== undefined) work.sent?.(answer.value, this);
    if (this.phase.name === 'failed' && this.phase.error.code !== 'closed' && answer !== undefined) {
      return work.discard === undefined ? ticket : this.orphan(work, answer.value);
    }
    if (this.phase.name !== 'sending') return ticket;
    if (answer === undefined) {
      this.phase = { name: 'idle' };
      this.endSpan();
      if (this.subscribers.size > 0) this.enqueue();
    } else if (this.subscribers.size === 0 && work.discard === undefined) {
      this.phase = { name: 'sent', sent: answer.value };
      this.endSpan();
    } else {
      this.phase = { name: 'polling', sent: answer.value, ticket };
    }
    return ticket;
  }

  private orphan(work: OperationWork<S, T>, sent: S): SentTicket {
    const poll = work.poll(sent, this).pipe(
      take(1),
      tap((value) => work.discard?.(value)),
      catchError(() => EMPTY),
      ignoreElements(),
    );
    return { poll: (sink) => poll.pipe(finalize(() => sink.complete())).subscribe() };
  }

  isWanted(): boolean {
    return this.subscribers.size > 0;
  }

  get abandoned$(): Observable<void> {
    return (this.abandoned ??= new Subject());
  }

  private detach(subscriber: Subscriber<T>): void {
    this.subscribers.delete(subscriber);
    if (this.subscribers.size > 0) return;
    const { phase } = this;
    if (phase.name === 'queued') {
      phase.ticket.forget();
      this.phase = { name: 'idle' };
      this.endSpan();
    } else if (phase.name === 'sending') {
      this.abandoned?.next();
      this.work?.abandoned?.();
    } else if (phase.name === 'polling' && this.work?.discard === undefined) {
      this.phase = { name: 'sent', sent: phase.sent };
      this.endSpan();
      this.polling?.stop();
      phase.ticket.forget();
      this.work?.abandoned?.();
    }
    if (this.phase.name !== 'polling') this.scope.active.delete(this);
  }

  private enqueue(): void {
    this.span = this.startSpan?.();
    const ticket = new OperationTicket(this);
    this.phase = { name: 'queued', ticket };
    this.report({ type: 'queued' });
    this.road.enter(ticket);
  }

  private resume(sent: S): void {
    this.span = this.startSpan?.();
    const ticket = new OperationTicket(this);
    this.phase = { name: 'polling', sent, ticket };
    this.road.resume(ticket);
  }

  /** Takes note of the result. */
  succeed(value: T, work: OperationWork<S, T>): void {
    if (this.phase.name !== 'polling') {
      work.discard?.(value);
      return;
    }
    if (this.subscribers.size === 0 && work.discard !== undefined) {
      this.fail(discarded(work.type));
      work.discard(value);
      return;
    }
    const listeners = this.settle({ name: 'done', value }, { type: 'done' });
    for (const subscriber of listeners) {
      subscriber.next(value);
      subscriber.complete();
    }
  }

  /** Takes note of what ended the wait. */
  pollFailed(error: TinkerError): void {
    // A lost connection is no outcome: who is subscribed hears of it, who subscribes again goes on waiting.
    if (error.code !== 'connection_lost' || this.phase.name !== 'polling') {
      this.fail(error);
      return;
    }
    this.phase = { name: 'sent', sent: this.phase.sent };
    this.endSpan(error);
    const listeners = this.takeSubscribers();
    for (const subscriber of listeners) subscriber.error(error);
  }

  private settle(phase: Phase<S, T>, last: OperationProgress): Subscriber<T>[] {
    const { phase: before, work } = this;
    this.phase = phase;
    this.work = undefined;
    this.endSpan(phase.name === 'failed' ? phase.error : undefined);
    this.forgetSignal?.();
    if (before.name === 'queued') before.ticket.forget();
    this.report(last);
    this.progress?.complete();
    this.progress = undefined;
    const { polling } = this;
    this.polling = undefined;
    const listeners = this.takeSubscribers();
    if (phase.name === 'done') work?.settled?.({ value: phase.value });
    if (phase.name === 'failed') {
      work?.settled?.({ error: phase.error });
      this.abandoned?.next();
      // A model made for a caller who aborted is still to be unloaded, so the wait for it goes on.
      if (work?.discard === undefined || phase.error.code === 'closed') polling?.stop();
    }
    return listeners;
  }

  private endSpan(error?: TinkerError): void {
    this.span?.end(error);
    this.span = undefined;
  }

  private takeSubscribers(): Subscriber<T>[] {
    const listeners = [...this.subscribers];
    this.subscribers.clear();
    this.scope.active.delete(this);
    return listeners;
  }

  private replayError(subscriber: Subscriber<T>, error: TinkerError): void {
    // Asynchronous and not retryable: a plain retry() must neither overflow the stack nor believe that it sends again.
    const { code, message, cause, details } = error;
    subscriber.add(
      this.scope.scheduler.schedule(() => {
        subscriber.error(new TinkerError(code, message, { retryable: false, cause: cause ?? error, details }));
      }),
    );
  }

  report(progress: OperationProgress): void {
    if (progress.type === 'sent') this.span?.sent(progress.seqIds);
    this.latest = progress;
    this.progress?.next(progress);
  }

  private obey(signal: AbortSignal): void {
    const abort = (): void => {
      this.fail(aborted(this.work?.type ?? 'The operation', signal.reason));
    };
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    this.forgetSignal = () => {
      signal.removeEventListener('abort', abort);
    };
  }
}
