import type { Observable, Subscriber, Unsubscribable } from 'rxjs';
import type { TinkerError } from '../errors.js';
import type { FuturePromise } from '../wire/index.js';
import type { OperationContext } from './operationWork.js';
import type { SampleDispatch } from './sampleDispatch.js';
import { SamplePost, type SentSample } from './samplePost.js';
import type { StuckListener } from './sampleProgress.js';
import type { SampleLimits } from './sampleQueue.js';
import { type Submittable, SampleSubmission } from './sampleSubmission.js';
import type { SampleWork } from './sampleWork.js';

/** Sends one sample: waits for a slot and for the dispatch; until it is posted, it ends when nobody wants it any more. */
export class SampleSending implements Submittable<FuturePromise>, StuckListener, Unsubscribable {
  private dispatch: SampleDispatch | undefined;
  private request: SamplePost | undefined;
  private submission: SampleSubmission<FuturePromise> | undefined;

  constructor(
    private readonly work: SampleWork,
    private readonly context: OperationContext,
    private readonly subscriber: Subscriber<SentSample>,
  ) {}

  start(): void {
    this.work.queue.limit(this, this.subscriber);
  }

  /** The slot is there. */
  submit(): void {
    if (this.dispatch === undefined) return;
    this.submission = new SampleSubmission(this.dispatch, this);
    this.submission.start();
  }

  get promptBytes(): number {
    return this.work.job.bytes;
  }

  post(): Observable<FuturePromise> {
    const { queue, job } = this.work;
    this.request ??= new SamplePost(queue, job, this.context);
    return this.request.post();
  }

  answered(promise: FuturePromise): void {
    const sent = this.request?.sent(promise);
    if (sent === undefined) return;
    this.work.took(sent);
    this.subscriber.next(sent);
    this.subscriber.complete();
  }

  failed(error: unknown): void {
    this.subscriber.error(error);
  }

  stuck(error: TinkerError): void {
    this.subscriber.error(error);
  }

  unsubscribe(): void {
    this.work.queue.progress.unwatch(this);
    this.submission?.unsubscribe();
    this.work.ended();
  }

  /** What was left while it was posted is not posted again. */
  paused(): void {
    if (!this.context.isWanted()) this.subscriber.complete();
  }

  /** Nobody wants it any more. */
  abandoned(): void {
    if (this.submission?.isPosting !== true) this.subscriber.complete();
  }

  limited(limits: SampleLimits): void {
    this.dispatch = limits.dispatch;
    this.work.queue.watch(this, limits);
    if (this.work.enter(limits.slots)) this.submit();
  }
}
