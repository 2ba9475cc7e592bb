import { type MonoTypeOperatorFunction, Observable, type SchedulerLike } from 'rxjs';
import { type NotReady, Poll, type PollUntilReadyOptions } from '../../operators/pollUntilReady.js';
import { TinkerError } from '../errors.js';
import type { Api } from '../transport/api.js';
import { retryAfterMs } from '../transport/retryAfter.js';
import type { TransportResponse } from '../transport/transport.js';
import { type ResultBody, readFutureAnswer } from '../wire/futureAnswer.js';
import type { FuturePromise } from '../wire/futurePromise.js';

/** Longest wait for one answer, in milliseconds: servers hold a poll for less. */
const POLL_TIMEOUT = 45_000;
/** Rest between polls while billing pauses the job, in milliseconds. */
const BILLING_REST = 5_000;
/** A 400 may be a passing fault of the server; asked again so often before it is believed. */
const REJECTIONS_FORGIVEN = 3;
const LONGEST_REST = 30_000;
/** Requests whose results servers of today write as protobuf, and older ones as JSON. */
const BINARY_RESULTS: ReadonlySet<string> = new Set(['ForwardBackward', 'Forward', 'Sample']);

/** What polling needs of its client. */
export interface FuturesConnection {
  readonly api: Api;
  readonly scheduler: SchedulerLike;
  readonly deadlines: { readonly silenceDeadlineMs: number; readonly billingPauseMs: number };
  /** Holds a request back until its answer of so many bytes fits into what may be on its way at once. */
  readonly responseBudget?: <T>(bytes: number) => MonoTypeOperatorFunction<T>;
}

/** One result to wait for. */
export interface FutureRequest<T> {
  readonly promise: FuturePromise;
  /** Name of the request in the protocol's header, e.g. `OptimStep`. */
  readonly requestType: string;
  /** What is waited for, in words for errors. */
  readonly waitingFor: string;
  /** Bytes of a result that is known to be there; then it is asked for at once. */
  readonly payloadSize?: number;
  /** Further headers of each poll; names in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  read(body: ResultBody): T;
  /** What the poll ends with, made of the error that ended it; default: that error. */
  explain?(error: unknown): unknown;
  onQueueState(state: { state: 'active' | 'paused_rate_limit' | 'paused_capacity' | 'unknown'; reason?: string }): void;
}

/** An answer of any status, or none. */
type Answer = TransportResponse | Silence;

interface Silence {
  readonly status: 'silent';
  readonly error: TinkerError;
}

/**
 * Polls a promise of the server until its result is there.
 *
 * Errors: `request_failed` (the operation failed on the server), `promise_expired` (410), `connection_lost` after
 * `silenceDeadline` without any HTTP answer, `payment_required` after the billing pause, and what the result's reader
 * throws.
 */
export function retrieveFuture<T>(connection: FuturesConnection, request: FutureRequest<T>): Observable<T> {
  return new Observable((subscriber) => {
    new Poll(subscriber, new FuturePoll(connection, request)).ask();
  });
}

/** The poll of one subscriber. */
class FuturePoll<T> implements PollUntilReadyOptions<Answer, T> {
  readonly scheduler: SchedulerLike;
  private lastAnswer: number;
  private pausedSince: number | undefined;
  private faults = 0;
  private rejections = 0;
  private payloadSize: number;
  private metadataOnly: boolean;

  constructor(
    private readonly connection: FuturesConnection,
    private readonly request: FutureRequest<T>,
  ) {
    this.scheduler = connection.scheduler;
    this.lastAnswer = this.scheduler.now();
    this.payloadSize = request.payloadSize ?? 0;
    this.metadataOnly = this.payloadSize === 0;
  }

  ask(iteration: number): Observable<Answer> {
    const { request, metadataOnly } = this;
    const { api, responseBudget } = this.connection;
    const asking = api.send({
      method: 'POST',
      path: '/api/v1/retrieve_future',
      body: { request_id: request.promise.requestId, allow_metadata_only: metadataOnly },
      pool: 'poll',
      timeoutMs: POLL_TIMEOUT,
      headers: {
        accept: acceptOf(request.requestType),
        'x-tinker-request-iteration': String(iteration),
        'x-tinker-request-type': request.requestType,
        ...request.headers,
      },
    });
    return metadataOnly || responseBudget === undefined ? asking : asking.pipe(responseBudget(this.payloadSize));
  }

  recover(error: unknown): Answer {
    if (!(error instanceof TinkerError) || !isSilence(error)) throw this.explained(error);
    return { status: 'silent', error };
  }

  read(answer: Answer): { ready: T } | NotReady {
    try {
      return answer.status === 'silent' ? this.silent(answer) : this.answered(answer);
    } catch (error) {
      throw this.explained(error);
    }
  }

  private silent({ error }: Silence): NotReady {
    const { scheduler, lastAnswer, request, connection } = this;
    this.pausedSince = undefined;
    this.rejections = 0;
    const silence = scheduler.now() - lastAnswer;
    const { silenceDeadlineMs } = connection.deadlines;
    if (silence >= silenceDeadlineMs) throw lost(request.waitingFor, silence, error);
    return error.code === 'request_timeout'
      ? { waitMs: 0 }
      : { waitMs: Math.min(this.rest().waitMs, silenceDeadlineMs - silence) };
  }

  private answered(response: TransportResponse): { ready: T } | NotReady {
    const { request, scheduler, connection } = this;
    const { api, deadlines } = connection;
    const { status, headers, body } = api.received(response);
    this.lastAnswer = scheduler.now();
    const answer = readFutureAnswer(status, headers, body, retryAfterMs(headers));
    if (answer.type !== 'back_off') this.faults = 0;
    if (answer.type !== 'payment_required') this.pausedSince = undefined;
    if (answer.type !== 'rejected' && answer.type !== 'refused') this.rejections = 0;
    switch (answer.type) {
      case 'result':
        request.onQueueState({ state: 'active' });
        return { ready: request.read(answer.body) };
      case 'try_again':
        if (answer.queueState !== undefined || answer.queueStateReason !== undefined) {
          request.onQueueState({
            state: answer.queueState ?? 'unknown',
            ...(answer.queueStateReason !== undefined && { reason: api.redact(answer.queueStateReason) }),
          });
        }
        return asked(answer.retryAfterMs);
      case 'metadata':
        if (!this.metadataOnly)
          throw new TinkerError(
            'invalid_response',
            `Expected the result of ${request.waitingFor}, got its size twice.`,
          );
        this.metadataOnly = false;
        this.payloadSize = answer.payloadSize;
        return { waitMs: 0 };
      case 'failed':
        request.onQueueState({ state: 'active' });
        throw new TinkerError(
          'request_failed',
          `${request.waitingFor} failed on the server: ${api.redact(answer.message)}`,
          {
            retryable: answer.category !== 'user',
            details: { category: answer.category, requestId: request.promise.requestId },
          },
        );
      case 'unavailable':
        return asked(answer.retryAfterMs);
      case 'back_off':
        return this.rest(answer.retryAfterMs);
      case 'rejected':
        if (++this.rejections <= REJECTIONS_FORGIVEN) return {};
        throw new TinkerError('request_failed', `${request.waitingFor} failed on the server: ${answer.message}`, {
          details: { status: 400, category: 'unknown', requestId: request.promise.requestId },
        });
      case 'payment_required':
        this.pausedSince ??= scheduler.now();
        if (scheduler.now() - this.pausedSince < deadlines.billingPauseMs) return { waitMs: BILLING_REST };
        throw new TinkerError('payment_required', `${request.waitingFor} is paused due to billing: ${answer.message}`, {
          details: { status: 402, requestId: request.promise.requestId },
        });
      case 'expired':
        throw new TinkerError(
          'promise_expired',
          `The server no longer has the result of ${request.waitingFor}: ${answer.message} It may have been executed; ` +
            'go on from the last checkpoint to be sure.',
          { details: { status: 410, requestId: request.promise.requestId } },
        );
      case 'refused':
        // 409 passes, as it does for what is sent.
        if (answer.status === 409 && ++this.rejections <= REJECTIONS_FORGIVEN) return {};
        throw new TinkerError(
          answer.status === 404 ? 'not_found' : answer.status === 401 ? 'unauthenticated' : 'bad_request',
          `Asking for the result of ${request.waitingFor} was refused with ${String(answer.status)}: ${answer.message}`,
          { details: { status: answer.status, requestId: request.promise.requestId } },
        );
    }
  }

  private rest(retryAfter?: number): { waitMs: number } {
    return { waitMs: retryAfter ?? Math.min(1000 * 2 ** this.faults++, LONGEST_REST) };
  }

  private explained(error: unknown): unknown {
    return this.request.explain === undefined ? error : this.request.explain(error);
  }
}

function acceptOf(requestType: string): string {
  return BINARY_RESULTS.has(requestType) ? 'application/x-protobuf, application/json' : 'application/json';
}

/** The wait that the server names; none, or one of nothing, leaves it to the polling. */
function asked(retryAfter = 0): NotReady {
  return retryAfter > 0 ? { waitMs: retryAfter } : {};
}

function isSilence(error: TinkerError): boolean {
  return error.code === 'connection_failed' || error.code === 'request_timeout';
}

function lost(waitingFor: string, silenceMs: number, cause: TinkerError): TinkerError {
  return new TinkerError(
    'connection_lost',
    `No answer from the server for ${String(Math.round(silenceMs / 1000))} s while waiting for ${waitingFor}: ${cause.message} ` +
      'The operation is not lost: subscribe again to go on waiting.',
    { retryable: true, cause },
  );
}
