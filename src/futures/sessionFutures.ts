import {
  EMPTY,
  type MonoTypeOperatorFunction,
  type Observable,
  type Subscription,
  catchError,
  defer,
  finalize,
  ignoreElements,
  of,
  repeat,
  retry,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { TinkerError } from '../errors.js';
import { type FutureCompletion, type FutureCompletions, futureCompletionsSchema } from '../wire/futureCompletions.js';
import type { FuturesConnection } from './retrieveFuture.js';

/** Longest waits for an answer, in milliseconds: servers hold a poll that waits, and answer the other at once. */
const POLL_TIMEOUT = 45_000;
const ACK_TIMEOUT = 5_000;
const REST = 1_000;
const BILLING_REST = 5_000;
/** A 400 may be a passing fault of the server; asked again so often before it is believed. */
const REJECTIONS_FORGIVEN = 3;

/** The sampling session to poll; a clone's id is its seq_ids' billions. */
export interface FuturesTarget {
  readonly samplingSessionId: string;
  readonly clonedSamplerId: number;
}

/** Whoever waits for one of the requests. */
export interface FutureWaiter {
  /** It is finished or failed; its result is fetched as ever. */
  completed(completion: FutureCompletion): void;
  error(error: TinkerError): void;
}

/**
 * One poll for all samples of a sampling session: it tells which are finished, and runs while somebody waits.
 *
 * A refusal is final for all who wait, now and later; `connection_lost` after `silenceDeadline` is not.
 */
export class SessionFutures {
  private cursor = 0;
  private heard = 0;
  private readonly waiting = new Map<string, FutureWaiter>();
  private readonly completed = new Map<string, FutureCompletion>();
  private readonly retrieved = new Set<string>();
  private polling: Subscription | undefined;
  private failure: TinkerError | undefined;
  private acknowledging = false;

  constructor(
    private readonly connection: FuturesConnection,
    private readonly target: FuturesTarget,
  ) {}

  /** Tells once, at once too, when a request is finished or failed, or can't be waited for. */
  wait(requestId: string, waiter: FutureWaiter): void {
    const known = this.completed.get(requestId);
    if (known !== undefined) {
      this.completed.delete(requestId);
      waiter.completed(known);
    } else if (this.failure !== undefined) waiter.error(this.failure);
    else {
      this.waiting.set(requestId, waiter);
      this.start();
    }
  }

  /** Waits no longer. */
  leave(requestId: string, waiter: FutureWaiter): void {
    if (this.waiting.get(requestId) !== waiter) return;
    this.waiting.delete(requestId);
    this.stopUnlessNeeded();
  }

  /** Notes that a result was fetched, so that the server may delete it; the next poll says so. */
  noteRetrieved(requestId: string): void {
    this.retrieved.add(requestId);
  }

  /** Tells the server what was fetched if no poll is under way that will; completes when it did or could not. */
  acknowledge(): Observable<never> {
    return defer(() => {
      if (!this.isToTell()) return EMPTY;
      this.acknowledging = true;
      return this.ask(true).pipe(
        repeat({ delay: () => (this.hasNews() ? of(true) : EMPTY) }),
        ignoreElements(),
        catchError(() => EMPTY),
        finalize(() => {
          this.acknowledging = false;
        }),
      );
    });
  }

  /** Whether {@link acknowledge} has something to tell. */
  isToTell(): boolean {
    return !this.acknowledging && this.hasNews();
  }

  private hasNews(): boolean {
    const isTold = this.retrieved.size === 0 && this.heard >= this.cursor;
    return !isTold && this.polling === undefined && this.failure === undefined;
  }

  private start(): void {
    if (this.polling !== undefined) return;
    this.polling = defer(() => this.ask(false))
      .pipe(this.untilRefused(), repeat({ delay: () => (this.waiting.size > 0 ? of(true) : EMPTY) }))
      .subscribe({
        error: (error: unknown) => {
          this.fail(error);
        },
        complete: () => (this.polling = undefined),
      });
    // A poll that ended at once has come before its subscription.
    if (this.polling.closed) this.polling = undefined;
  }

  private stopUnlessNeeded(): void {
    if (this.waiting.size > 0) return;
    this.polling?.unsubscribe();
    this.polling = undefined;
  }

  private ask(ackOnly: boolean): Observable<FutureCompletions> {
    return defer(() => {
      const { cursor } = this;
      const told = [...this.retrieved].sort();
      return this.connection.api
        .call({
          method: 'POST',
          path: '/api/v1/retrieve_futures',
          body: {
            target: {
              type: 'sampling_session',
              sampling_session_id: this.target.samplingSessionId,
              cloned_sampler_id: this.target.clonedSamplerId,
            },
            prev_cursor: cursor,
            ...(ackOnly && { timeout: 0 }),
            retrieved_request_ids: told,
          },
          schema: futureCompletionsSchema,
          pool: 'poll',
          retry: 'none',
          timeoutMs: ackOnly ? ACK_TIMEOUT : POLL_TIMEOUT,
        })
        .pipe(
          tap((answer) => {
            for (const id of told) this.retrieved.delete(id);
            this.heard = Math.max(this.heard, cursor);
            this.cursor = answer.cursor;
            for (const completion of answer.completions) this.complete(completion);
          }),
        );
    });
  }

  private complete(completion: FutureCompletion): void {
    const waiter = this.waiting.get(completion.requestId);
    if (waiter === undefined) {
      this.completed.set(completion.requestId, completion);
      return;
    }
    this.waiting.delete(completion.requestId);
    waiter.completed(completion);
    this.stopUnlessNeeded();
  }

  /** Asks again after faults of the way; what the server refuses is an error. */
  private untilRefused(): MonoTypeOperatorFunction<FutureCompletions> {
    const { scheduler, deadlines } = this.connection;
    let lastAnswer = scheduler.now();
    let pausedSince: number | undefined;
    let rejections = 0;
    return (source) =>
      source.pipe(
        tap(() => {
          lastAnswer = scheduler.now();
          pausedSince = undefined;
          rejections = 0;
        }),
        retry({
          delay: (error: unknown) => {
            if (!(error instanceof TinkerError)) return throwError(() => error);
            const { status } = error.details;
            const now = scheduler.now();
            if (status !== undefined) lastAnswer = now;
            if (status === 402) {
              pausedSince ??= now;
              return now - pausedSince < deadlines.billingPauseMs
                ? timer(BILLING_REST, scheduler)
                : throwError(() => error);
            }
            const isForgiven = status === 400 && ++rejections <= REJECTIONS_FORGIVEN;
            if (!error.retryable && !isForgiven) return throwError(() => error);
            return now - lastAnswer >= deadlines.silenceDeadlineMs
              ? throwError(() => lost(now - lastAnswer, error))
              : timer(REST, scheduler);
          },
        }),
      );
  }

  private fail(error: unknown): void {
    this.polling = undefined;
    const { samplingSessionId } = this.target;
    const failure =
      error instanceof TinkerError ? error : new TinkerError('invalid_response', String(error), { cause: error });
    if (failure.code !== 'connection_lost') {
      this.failure = new TinkerError(
        failure.code,
        `Waiting for the samples of ${samplingSessionId} failed: ${failure.message}`,
        { cause: failure, details: failure.details },
      );
    }
    const waiters = [...this.waiting.values()];
    this.waiting.clear();
    for (const waiter of waiters) waiter.error(this.failure ?? failure);
  }
}

function lost(silenceMs: number, cause: TinkerError): TinkerError {
  return new TinkerError(
    'connection_lost',
    `No answer from the server for ${Math.round(silenceMs / 1000)} s while waiting for samples: ${cause.message} ` +
      'They are not lost: subscribe again to go on waiting.',
    { retryable: true, cause },
  );
}
