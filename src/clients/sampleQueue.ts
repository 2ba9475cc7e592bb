import {
  EMPTY,
  type MonoTypeOperatorFunction,
  Observable,
  Subject,
  catchError,
  defer,
  identity,
  map,
  switchMap,
  take,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { relay } from '../../operators/relay.js';
import { TinkerError } from '../errors.js';
import { type FutureRequest, retrieveFuture } from '../futures/retrieveFuture.js';
import { SessionFutures } from '../futures/sessionFutures.js';
import { uuid } from '../transport/random.js';
import { Slots } from '../transport/slots.js';
import {
  type ClientConfig,
  type FuturePromise,
  type ResultBody,
  type SampleOutput,
  futurePromiseSchema,
} from '../wire/index.js';
import type { QueueState } from './operationProgress.js';
import type { OperationContext, OperationWork } from './operationWork.js';
import { SampleProgress } from './sampleProgress.js';
import type { ServiceContext } from './serviceContext.js';
import { warnOfPauses } from './warnOfPauses.js';
import { withSequenceIds } from './withSequenceIds.js';

/** Seq_ids of one client of a sampler. */
const CLONE_BLOCK = 1_000_000_000n;
const CANCEL_TIMEOUT = 30_000;
/** Waits before a lost sample is sent anew, in milliseconds: doubled each time, up to the longest. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;

/** One sample, ready to be sent. */
export interface SampleJob {
  /** JSON text of the request under a seq_id, given in digits. */
  body(seqId: string): string;
  /** Estimate of its prompt's size. */
  readonly bytes: number;
  read(result: ResultBody): SampleOutput;
  /** Sent anew after its result was lost, even where the server's flags say that samples are not. */
  readonly alwaysAgain?: boolean;
}

/** A sample that the server took; `gone` once the server has lost it, or was told that nobody wants it. */
interface SentSample {
  seqId: number;
  promise: FuturePromise;
  gone: boolean;
}

/** The samples of one client, within the limits of the server's flags. */
export class SampleQueue {
  private nextSeqId = 0;
  private flags: ClientConfig | undefined;
  private slots: Slots | undefined;
  private futures: SessionFutures | undefined;
  private readonly progress: SampleProgress;
  private readonly paused = new Subject<QueueState>();

  constructor(
    private readonly service: ServiceContext,
    private readonly samplingSessionId: string,
    private readonly cloneId = 0,
  ) {
    this.progress = new SampleProgress(service.connection.scheduler, samplingSessionId);
    warnOfPauses(this.paused, { kind: 'sampling', id: samplingSessionId }, service);
  }

  /**
   * The work of one sample. What nobody waits for any more is cancelled where the server can do that; who subscribes
   * again then gets a new sample of the same request.
   */
  work(job: SampleJob): OperationWork<SentSample, SampleOutput> {
    let leaveSlot: (() => void) | undefined;
    let sent: SentSample | undefined;
    let isWanted = (): boolean => true;
    const leave = (): void => {
      leaveSlot?.();
      leaveSlot = undefined;
      if (sent !== undefined) this.cancel(sent, isWanted);
    };
    return {
      type: 'sample',
      samplingSessionId: this.samplingSessionId,
      send: (context) => {
        isWanted = () => context.isWanted();
        return new Observable((subscriber) => {
          let isPosting = false;
          const request = this.post(job, context);
          const post = new Observable<SentSample>((posting) => {
            isPosting = true;
            posting.add(() => {
              isPosting = false;
            });
            request.subscribe(posting);
          });
          subscriber.add(() => {
            if (sent === undefined) leave();
          });
          const stop = (): void => {
            if (!isPosting) subscriber.complete();
          };
          subscriber.add(context.abandoned$.pipe(tap(stop)).subscribe());
          const sending = this.withFlags((flags) =>
            this.slotsOf(flags)
              .enterFor(this.submit(flags, job, post), (release) => (leaveSlot = release))
              .pipe(this.watched(flags)),
          ).subscribe(
            relay(subscriber, {
              next: (answer: SentSample) => {
                sent = answer;
                if (!isWanted()) leave();
                subscriber.next(answer);
              },
            }),
          );
          subscriber.add(sending);
        });
      },
      poll: (known, context) => {
        isWanted = () => context.isWanted();
        return this.outcome(job, known, context);
      },
      abandoned: leave,
      settled: (outcome) => {
        const isAborted = 'error' in outcome && outcome.error.code === 'aborted';
        if (!isAborted) sent = undefined;
        isWanted = () => false;
        leave();
      },
    };
  }

  /** The result, of a new request under a new seq_id where the server has lost the sample. */
  private outcome(job: SampleJob, known: SentSample, context: OperationContext, attempt = 0): Observable<SampleOutput> {
    const { random, scheduler } = this.service.connection;
    return this.withFlags((flags) => {
      const again = (): Observable<SentSample> =>
        this.submit(flags, job, this.post(job, context)).pipe(map((sent) => Object.assign(known, sent)));
      const result = defer(() => this.result(job, known, flags, context));
      return (known.gone ? again().pipe(switchMap(() => result)) : result).pipe(
        this.watched(flags),
        tap(() => {
          this.progress.note();
        }),
        catchError((error: unknown) => {
          if (!isExpired(error) || (flags.sampleNoRetries && job.alwaysAgain !== true)) return throwError(() => error);
          known.gone = true;
          const wait = Math.min(FIRST_WAIT * 2 ** attempt, LONGEST_WAIT) * (1 - 0.25 * random());
          return timer(wait, scheduler).pipe(switchMap(() => this.outcome(job, known, context, attempt + 1)));
        }),
      );
    });
  }

  /** The flags do not change: all but the first use of them need not wait for them. */
  private withFlags<T>(use: (flags: ClientConfig) => Observable<T>): Observable<T> {
    if (this.flags !== undefined) return use(this.flags);
    return this.service.session.flags$.pipe(
      take(1),
      tap((flags) => (this.flags = flags)),
      switchMap(use),
    );
  }

  /** Clients that joined a sampler count in blocks of their own; beyond 2⁵³ too, so as text. */
  private onWire(seqId: number): string {
    return this.cloneId === 0 ? String(seqId) : String(BigInt(this.cloneId) * CLONE_BLOCK + BigInt(seqId));
  }

  private submit(flags: ClientConfig, job: SampleJob, post: Observable<SentSample>): Observable<SentSample> {
    return this.service.dispatchOf(flags).submit(job.bytes, post);
  }

  private watched<T>({ sampleEnableStuckDetection: enabled }: ClientConfig): MonoTypeOperatorFunction<T> {
    return enabled ? this.progress.unlessStuck() : identity;
  }

  /** One request, with the same seq_id, key and bytes however often it is sent. */
  private post(job: SampleJob, { span }: OperationContext): Observable<SentSample> {
    const { api, deadlines, random } = this.service.connection;
    const idempotencyKey = `rxtinker-${uuid(random)}`;
    let taken: number | undefined;
    return defer(() => {
      const seqId = (taken ??= this.nextSeqId++);
      return api
        .call({
          method: 'POST',
          path: '/api/v1/asample',
          body: { contentType: 'application/json', bytes: job.body(this.onWire(seqId)) },
          headers: { 'x-tinker-sampling-backpressure': '1', ...span?.headers },
          idempotencyKey,
          schema: futurePromiseSchema,
          // A 429 is for all samples: they pause together.
          retry: { deadlineMs: deadlines.sendDeadlineMs, final: [429] },
        })
        .pipe(
          map((promise) => {
            span?.sent([seqId]);
            return { seqId, promise, gone: false };
          }),
        );
    });
  }

  private result(
    job: SampleJob,
    { seqId, promise }: SentSample,
    flags: ClientConfig,
    context: OperationContext,
  ): Observable<SampleOutput> {
    const { connection } = this.service;
    const request: FutureRequest<SampleOutput> = {
      promise,
      headers: context.span?.headers,
      requestType: 'Sample',
      waitingFor: `sample with seq_id ${seqId} of ${this.samplingSessionId}`,
      read: (body) => withSequenceIds(job.read(body), promise),
      onQueueState: (state) => {
        this.paused.next(state);
        context.report({ type: 'queueState', ...state });
      },
    };
    if (!flags.sampleUseRetrieveFutures) return retrieveFuture(connection, request);
    const futures = (this.futures ??= new SessionFutures(connection, {
      samplingSessionId: this.samplingSessionId,
      clonedSamplerId: this.cloneId,
    }));
    return futures.wait(promise.requestId).pipe(
      switchMap(({ responsePayloadUncompressedSize: payloadSize }) =>
        retrieveFuture(connection, { ...request, ...(payloadSize !== undefined && { payloadSize }) }),
      ),
      tap({
        next: () => {
          this.tellRetrieved(futures, promise);
        },
        error: (error: unknown) => {
          if (error instanceof TinkerError && error.code !== 'connection_lost') this.tellRetrieved(futures, promise);
        },
      }),
    );
  }

  private tellRetrieved(futures: SessionFutures, { requestId }: FuturePromise): void {
    futures.noteRetrieved(requestId);
    if (futures.isToTell()) this.service.finishLater(futures.acknowledge());
  }

  private slotsOf(flags: ClientConfig): Slots {
    // Where one poll is for all, a sample that waits costs nothing.
    this.slots ??= new Slots(flags.sampleUseRetrieveFutures ? Infinity : flags.sampleMaxConcurrentRequests);
    return this.slots;
  }

  private cancel(sent: SentSample, isWanted: () => boolean): void {
    const { connection, dynamicFlags } = this.service;
    if (sent.gone) return;
    this.service.finishLater(
      dynamicFlags.current$.pipe(
        switchMap((flags) => {
          if (!flags.sampleCancelEnabled || isWanted()) return EMPTY;
          sent.gone = true;
          return connection.api
            .call({
              method: 'POST',
              path: '/api/v1/cancel_future',
              body: { request_id: sent.promise.requestId },
              read: () => undefined,
              retry: 'standard',
              timeoutMs: CANCEL_TIMEOUT,
            })
            .pipe(this.service.limitCancels(flags.sampleCancelMaxBatchSize));
        }),
        catchError((error: unknown) => {
          connection.log.error(`A sample that nobody waits for could not be cancelled: ${String(error)}`);
          return EMPTY;
        }),
      ),
    );
  }
}

function isExpired(error: unknown): boolean {
  return error instanceof TinkerError && error.code === 'promise_expired';
}
