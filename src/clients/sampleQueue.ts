import {
  EMPTY,
  type Observable,
  catchError,
  combineLatest,
  defer,
  filter,
  finalize,
  map,
  switchMap,
  take,
  takeUntil,
  tap,
} from 'rxjs';
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
import type { OperationContext, OperationWork } from './operationWork.js';
import type { ServiceContext } from './serviceContext.js';

const CANCEL_TIMEOUT = 30_000;

/** One sample, ready to be sent. */
export interface SampleJob {
  /** JSON text of the request under a seq_id. */
  body(seqId: number): string;
  /** Estimate of its prompt's size. */
  readonly bytes: number;
  read(result: ResultBody): SampleOutput;
}

/** A sample that the server took; `cancelled` once the server was told that nobody wants it. */
interface SentSample {
  seqId: number;
  promise: FuturePromise;
  cancelled: boolean;
}

/** The samples of one client, within the limits of the server's flags. */
export class SampleQueue {
  private nextSeqId = 0;
  private slots: Slots | undefined;
  private futures: SessionFutures | undefined;

  constructor(
    private readonly service: ServiceContext,
    private readonly samplingSessionId: string,
  ) {}

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
      send: (context) => {
        let isPosting = false;
        isWanted = () => context.isWanted();
        const request = this.post(job);
        const post = defer(() => {
          isPosting = true;
          return request;
        }).pipe(
          finalize(() => {
            isPosting = false;
          }),
        );
        return combineLatest([this.service.session.flags$, this.service.dispatch$]).pipe(
          take(1),
          switchMap(([flags, dispatch]) =>
            this.slotsOf(flags)
              .take()
              .pipe(
                switchMap((release) => {
                  leaveSlot = release;
                  return dispatch.submit(job.bytes, post);
                }),
              ),
          ),
          tap((answer) => {
            sent = answer;
            if (!isWanted()) leave();
          }),
          takeUntil(context.abandoned$.pipe(filter(() => !isPosting))),
          finalize(() => {
            if (sent === undefined) leave();
          }),
        );
      },
      poll: (known, context) => {
        isWanted = () => context.isWanted();
        return known.cancelled
          ? this.post(job).pipe(
              switchMap((again) => {
                Object.assign(known, again);
                return this.result(job, known, context);
              }),
            )
          : this.result(job, known, context);
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

  /** One request, with the same seq_id, key and bytes however often it is sent. */
  private post(job: SampleJob): Observable<SentSample> {
    const { api, deadlines, random } = this.service.connection;
    const idempotencyKey = `rxtinker-${uuid(random)}`;
    let taken: number | undefined;
    return defer(() => {
      const seqId = (taken ??= this.nextSeqId++);
      return api
        .call({
          method: 'POST',
          path: '/api/v1/asample',
          body: { contentType: 'application/json', bytes: job.body(seqId) },
          headers: { 'x-tinker-sampling-backpressure': '1' },
          idempotencyKey,
          schema: futurePromiseSchema,
          // A 429 is for all samples: they pause together.
          retry: { deadlineMs: deadlines.sendDeadlineMs, final: [429] },
        })
        .pipe(map((promise) => ({ seqId, promise, cancelled: false })));
    });
  }

  private result(job: SampleJob, { seqId, promise }: SentSample, context: OperationContext): Observable<SampleOutput> {
    const { connection, session } = this.service;
    const request: FutureRequest<SampleOutput> = {
      promise,
      requestType: 'Sample',
      waitingFor: `sample with seq_id ${seqId} of ${this.samplingSessionId}`,
      read: (body) => withSequenceIds(job.read(body), promise),
      onQueueState: (state) => {
        context.report({ type: 'queueState', ...state });
      },
    };
    return session.flags$.pipe(
      take(1),
      switchMap((flags) => {
        if (!flags.sampleUseRetrieveFutures) return retrieveFuture(connection, request);
        const futures = (this.futures ??= new SessionFutures(connection, {
          samplingSessionId: this.samplingSessionId,
          clonedSamplerId: 0,
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
              if (error instanceof TinkerError && error.code !== 'connection_lost')
                this.tellRetrieved(futures, promise);
            },
          }),
        );
      }),
    );
  }

  private tellRetrieved(futures: SessionFutures, { requestId }: FuturePromise): void {
    futures.noteRetrieved(requestId);
    this.service.finishLater(futures.acknowledge());
  }

  private slotsOf(flags: ClientConfig): Slots {
    // Where one poll is for all, a sample that waits costs nothing.
    this.slots ??= new Slots(flags.sampleUseRetrieveFutures ? Infinity : flags.sampleMaxConcurrentRequests);
    return this.slots;
  }

  private cancel(sent: SentSample, isWanted: () => boolean): void {
    const { connection, dynamicFlags } = this.service;
    if (sent.cancelled) return;
    this.service.finishLater(
      dynamicFlags.current$.pipe(
        switchMap((flags) => {
          if (!flags.sampleCancelEnabled || isWanted()) return EMPTY;
          sent.cancelled = true;
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

/** Gives each sample the id that the promise has for it; servers without provenance have none. */
function withSequenceIds(output: SampleOutput, { sampleSequenceIds: ids }: FuturePromise): SampleOutput {
  if (ids === undefined) return output;
  const { sequences } = output;
  if (ids.length !== sequences.length) {
    throw new TinkerError(
      'invalid_response',
      `Expected an id for each of ${sequences.length} samples in sample_sequence_ids, got ${ids.length}.`,
    );
  }
  return {
    ...output,
    sequences: sequences.map((sequence, index) => {
      const sequenceId = ids[index];
      return sequenceId === undefined ? sequence : { sequenceId, ...sequence };
    }),
  };
}
