import type { Observer, Subscriber, Unsubscribable } from 'rxjs';
import { TinkerError } from '../errors.js';
import { type FutureRequest, retrieveFuture } from '../futures/retrieveFuture.js';
import type { FutureWaiter } from '../futures/sessionFutures.js';
import type { FutureCompletion } from '../wire/futureCompletions.js';
import type { FuturePromise, ResultBody, SampleOutput } from '../wire/index.js';
import type { QueueState } from './operationProgress.js';
import type { OperationContext } from './operationWork.js';
import { SamplePost, type SentSample } from './samplePost.js';
import type { StuckListener } from './sampleProgress.js';
import { SampleSubmission } from './sampleSubmission.js';
import type { SampleLimits } from './sampleQueue.js';
import type { SampleWork } from './sampleWork.js';
import { withSequenceIds } from './withSequenceIds.js';

/** Waits before a lost sample is sent anew, in milliseconds: doubled each time, up to the longest. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;

/** Waits for the result of one sample; sends it again under a new seq_id where the server has lost it. */
export class SampleWaiting
  implements FutureRequest<SampleOutput>, Observer<SampleOutput>, FutureWaiter, StuckListener, Unsubscribable
{
  readonly requestType = 'Sample';
  /** Bytes of the result; 0 where they are not known. */
  payloadSize = 0;
  private limits: SampleLimits | undefined;
  private attempt = 0;
  /** A poll, a submission or a pause. */
  private underWay: Unsubscribable | undefined;

  constructor(
    private readonly work: SampleWork,
    private readonly known: SentSample,
    private readonly context: OperationContext,
    private readonly subscriber: Subscriber<SampleOutput>,
  ) {}

  start(): void {
    this.work.queue.limit(this, this.subscriber);
  }

  unsubscribe(): void {
    this.work.queue.progress.unwatch(this);
    this.underWay?.unsubscribe();
    this.limits?.futures?.leave(this.known.promise.requestId, this);
  }

  // What is asked of the server.

  get promise(): FuturePromise {
    return this.known.promise;
  }

  get headers(): Readonly<Record<string, string>> | undefined {
    return this.context.span?.headers;
  }

  get waitingFor(): string {
    return `sample with seq_id ${this.known.seqId} of ${this.work.samplingSessionId}`;
  }

  read(body: ResultBody): SampleOutput {
    return withSequenceIds(this.work.job.read(body), this.known.promise);
  }

  onQueueState(state: QueueState): void {
    this.work.queue.noteState(state);
    this.context.report({ type: 'queueState', ...state });
  }

  // What comes of it.

  /** The result can be fetched. */
  completed({ responsePayloadUncompressedSize: payloadSize = 0 }: FutureCompletion): void {
    this.payloadSize = payloadSize;
    this.retrieve();
  }

  next(output: SampleOutput): void {
    const { queue } = this.work;
    this.tellRetrieved();
    queue.progress.note();
    this.subscriber.next(output);
  }

  complete(): void {
    this.subscriber.complete();
  }

  error(error: unknown): void {
    if (error instanceof TinkerError && error.code !== 'connection_lost') this.tellRetrieved();
    this.failed(error);
  }

  stuck(error: TinkerError): void {
    this.subscriber.error(error);
  }

  limited(limits: SampleLimits): void {
    this.limits = limits;
    this.work.queue.watch(this, limits);
    if (this.known.gone) this.sendAgain(limits);
    else this.wait(limits);
  }

  private wait({ futures }: SampleLimits): void {
    this.payloadSize = 0;
    if (futures === undefined) this.retrieve();
    else futures.wait(this.known.promise.requestId, this);
  }

  private retrieve(): void {
    const polling = retrieveFuture(this.work.queue.service.connection, this).subscribe(this);
    if (polling.closed) return;
    if (this.subscriber.closed) polling.unsubscribe();
    else this.underWay = polling;
  }

  private sendAgain(limits: SampleLimits): void {
    const { queue, job } = this.work;
    const request = new SamplePost(queue, job, this.context);
    const submission = new SampleSubmission(limits.dispatch, {
      promptBytes: job.bytes,
      post: () => request.post(),
      answered: (promise) => {
        Object.assign(this.known, request.sent(promise));
        this.wait(limits);
      },
      failed: (error) => {
        this.failed(error);
      },
    });
    this.underWay = submission;
    submission.start();
  }

  private tellRetrieved(): void {
    if (this.limits?.futures !== undefined) this.work.queue.tellRetrieved(this.limits.futures, this.known);
  }

  private failed(error: unknown): void {
    const { queue, job } = this.work;
    if (!isExpired(error) || !(this.limits?.retries === true || job.alwaysAgain)) {
      this.subscriber.error(error);
      return;
    }
    queue.progress.unwatch(this);
    this.known.gone = true;
    const { random, scheduler } = queue.service.connection;
    const wait = Math.min(FIRST_WAIT * 2 ** this.attempt, LONGEST_WAIT) * (1 - 0.25 * random());
    this.attempt += 1;
    this.underWay = scheduler.schedule(() => {
      this.start();
    }, wait);
  }
}

function isExpired(error: unknown): boolean {
  return error instanceof TinkerError && error.code === 'promise_expired';
}
