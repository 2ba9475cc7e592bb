import type { Observer, Subscriber, Unsubscribable } from 'rxjs';
import { TinkerError } from '../errors.js';
import { type FutureRequest, retrieveFuture } from '../futures/retrieveFuture.js';
import type { FutureWaiter, SessionFutures } from '../futures/sessionFutures.js';
import type { FutureCompletion } from '../wire/futureCompletions.js';
import type { ClientConfig, FuturePromise, ResultBody, SampleOutput } from '../wire/index.js';
import type { QueueState } from './operationProgress.js';
import type { OperationContext } from './operationWork.js';
import { SamplePost, type SentSample } from './samplePost.js';
import type { StuckListener } from './sampleProgress.js';
import { SampleSubmission } from './sampleSubmission.js';
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
  private readonly context: OperationContext;
  private readonly subscriber: Subscriber<SampleOutput>;
  private flags: ClientConfig | undefined;
  private futures: SessionFutures | undefined;
  private attempt = 0;
  /** A poll, a submission or a pause. */
  private underWay: Unsubscribable | undefined;

  constructor(
    private readonly work: SampleWork,
    private readonly known: SentSample,
    { context, subscriber }: { readonly context: OperationContext; readonly subscriber: Subscriber<SampleOutput> },
  ) {
    this.context = context;
    this.subscriber = subscriber;
  }

  start(): void {
    this.work.queue.withFlags(this.subscriber, (flags) => {
      this.flags = flags;
      this.work.queue.watch(this, flags);
      if (this.known.gone) this.sendAgain(flags);
      else this.wait(flags);
    });
  }

  unsubscribe(): void {
    this.work.queue.progress.unwatch(this);
    this.underWay?.unsubscribe();
    this.futures?.leave(this.known.promise.requestId, this);
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
    if (this.futures !== undefined) queue.tellRetrieved(this.futures, this.known);
    queue.progress.note();
    this.subscriber.next(output);
  }

  complete(): void {
    this.subscriber.complete();
  }

  error(error: unknown): void {
    const { futures } = this;
    const isLost = error instanceof TinkerError && error.code !== 'connection_lost';
    if (futures !== undefined && isLost) this.work.queue.tellRetrieved(futures, this.known);
    this.failed(error);
  }

  stuck(error: TinkerError): void {
    this.subscriber.error(error);
  }

  private wait(flags: ClientConfig): void {
    const { queue } = this.work;
    this.payloadSize = 0;
    if (!flags.sampleUseRetrieveFutures) {
      this.retrieve();
      return;
    }
    this.futures = queue.sessionFutures();
    this.futures.wait(this.known.promise.requestId, this);
  }

  private retrieve(): void {
    const polling = retrieveFuture(this.work.queue.service.connection, this).subscribe(this);
    if (polling.closed) return;
    if (this.subscriber.closed) polling.unsubscribe();
    else this.underWay = polling;
  }

  private sendAgain(flags: ClientConfig): void {
    const { queue, job } = this.work;
    const post = new SamplePost(queue, job, this.context);
    let isSent = false;
    const submission = new SampleSubmission(queue.service.dispatchOf(flags), post, {
      next: (promise) => {
        isSent = true;
        Object.assign(this.known, post.sent(promise));
        this.wait(flags);
      },
      error: (error: unknown) => {
        this.failed(error);
      },
      complete: () => {
        if (!isSent) this.subscriber.complete();
      },
    });
    this.underWay = submission;
    submission.start();
  }

  private failed(error: unknown): void {
    const { queue, job } = this.work;
    if (!isExpired(error) || (this.flags?.sampleNoRetries === true && !job.alwaysAgain)) {
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
