import { EMPTY, Subject, type Subscriber, catchError, switchMap, take } from 'rxjs';
import { SessionFutures } from '../futures/sessionFutures.js';
import type { ApiCall } from '../transport/api.js';
import { uuid } from '../transport/random.js';
import { Slots } from '../transport/slots.js';
import type { ClientConfig } from '../wire/index.js';
import type { QueueState } from './operationProgress.js';
import type { SampleDispatch } from './sampleDispatch.js';
import type { SentSample } from './samplePost.js';
import { type StuckListener, SampleProgress } from './sampleProgress.js';
import type { ServiceContext } from './serviceContext.js';
import { warnOfPauses } from './warnOfPauses.js';

/** Seq_ids of one client of a sampler. */
const CLONE_BLOCK = 1_000_000_000n;
const CANCEL_TIMEOUT = 30_000;

/** What the server's flags make of a client of a sampler. */
export interface SampleLimits {
  readonly slots: Slots;
  readonly dispatch: SampleDispatch;
  /** The one poll for all samples, where the server has one. */
  readonly futures: SessionFutures | undefined;
  /** Whether a sample is sent anew after its result was lost. */
  readonly retries: boolean;
  /** Whether samples fail when none of them makes progress. */
  readonly detectsStuck: boolean;
}

/** What the samples of one client share, within the limits of the server's flags. */
export class SampleQueue {
  readonly progress: SampleProgress;
  /** How often a sample's request is sent. */
  readonly retry: ApiCall<unknown>['retry'];
  private nextSeqId = 0;
  /** A random one for all, as each has a number of its own. */
  private readonly key: string;
  private limits: SampleLimits | undefined;
  private isPaused = false;
  private readonly states = new Subject<QueueState>();

  constructor(
    readonly service: ServiceContext,
    readonly samplingSessionId: string,
    private readonly cloneId = 0,
  ) {
    const { scheduler, deadlines, random } = service.connection;
    this.key = `rxtinker-${uuid(random)}-`;
    this.progress = new SampleProgress(scheduler, samplingSessionId);
    // A 429 is for all samples: they pause together.
    this.retry = { deadlineMs: deadlines.sendDeadlineMs, final: [429] };
    warnOfPauses(this.states, { kind: 'sampling', id: samplingSessionId }, service);
  }

  takeSeqId(): number {
    return this.nextSeqId++;
  }

  /** Clients that joined a sampler count in blocks of their own; beyond 2⁵³ too, so as text. */
  onWire(seqId: number): string {
    return this.cloneId === 0 ? String(seqId) : String(BigInt(this.cloneId) * CLONE_BLOCK + BigInt(seqId));
  }

  /** The idempotency key of a request. */
  keyOf(seqId: number): string {
    return this.key + String(seqId);
  }

  /** Tells the limits by the server's flags; these do not change, so all but the first samples find them known. */
  limit(sample: { limited(limits: SampleLimits): void }, subscriber: Subscriber<unknown>): void {
    if (this.limits !== undefined) {
      sample.limited(this.limits);
      return;
    }
    const coming = this.service.session.flags$.pipe(take(1)).subscribe({
      next: (flags) => {
        sample.limited((this.limits ??= this.limitsBy(flags)));
      },
      error: (error: unknown) => {
        subscriber.error(error);
      },
    });
    subscriber.add(coming);
  }

  /** Tells a sample that waits if none makes progress, where the server wants that. */
  watch(sample: StuckListener, { detectsStuck }: SampleLimits): void {
    if (detectsStuck) this.progress.watch(sample);
  }

  tellRetrieved(futures: SessionFutures, { promise }: SentSample): void {
    futures.noteRetrieved(promise.requestId);
    if (futures.isToTell()) this.service.finishLater(futures.acknowledge());
  }

  /** Warns of pauses; that the queue is active, as with each result, is news after one only. */
  noteState(state: QueueState): void {
    const isPaused = state.state !== 'active';
    if (isPaused || this.isPaused) this.states.next(state);
    this.isPaused = isPaused;
  }

  /** Tells the server that nobody waits for a sample any more, unless somebody does again. */
  cancel(sent: SentSample, work: { isWanted(): boolean }): void {
    const { connection, dynamicFlags } = this.service;
    if (sent.gone) return;
    this.service.finishLater(
      dynamicFlags.current$.pipe(
        switchMap((flags) => {
          if (!flags.sampleCancelEnabled || work.isWanted()) return EMPTY;
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

  private limitsBy(flags: ClientConfig): SampleLimits {
    const { service, samplingSessionId, cloneId: clonedSamplerId } = this;
    const futures = flags.sampleUseRetrieveFutures
      ? new SessionFutures(service.connection, { samplingSessionId, clonedSamplerId })
      : undefined;
    return {
      // Where one poll is for all, a sample that waits costs nothing.
      slots: new Slots(futures === undefined ? flags.sampleMaxConcurrentRequests : Infinity),
      dispatch: service.dispatchOf(flags),
      futures,
      retries: !flags.sampleNoRetries,
      detectsStuck: flags.sampleEnableStuckDetection,
    };
  }
}
