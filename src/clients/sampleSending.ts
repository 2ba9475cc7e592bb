import { type Observer, type Subscriber, type Unsubscribable, tap } from 'rxjs';
import type { TinkerError } from '../errors.js';
import type { ClientConfig, FuturePromise } from '../wire/index.js';
import type { OperationContext } from './operationWork.js';
import { SamplePost, type SentSample } from './samplePost.js';
import type { StuckListener } from './sampleProgress.js';
import { SampleSubmission } from './sampleSubmission.js';
import type { SampleWork } from './sampleWork.js';

/** Sends one sample: waits for a slot and for the dispatch; until it is posted, it ends when nobody wants it any more. */
export class SampleSending implements Observer<FuturePromise>, StuckListener, Unsubscribable {
  private flags: ClientConfig | undefined;
  private post: SamplePost | undefined;
  private submission: SampleSubmission<FuturePromise> | undefined;

  constructor(
    private readonly work: SampleWork,
    private readonly context: OperationContext,
    private readonly subscriber: Subscriber<SentSample>,
  ) {}

  start(): void {
    const { work, context, subscriber } = this;
    const stop = (): void => {
      if (this.submission?.isPosting !== true) subscriber.complete();
    };
    subscriber.add(context.abandoned$.pipe(tap(stop)).subscribe());
    work.queue.withFlags(subscriber, (flags) => {
      this.flags = flags;
      work.queue.watch(this, flags);
      work.enter(work.queue.slotsOf(flags));
    });
  }

  /** The slot is there. */
  submit(): void {
    const { work, context, flags } = this;
    if (flags === undefined) return;
    const { queue, job } = work;
    this.post = new SamplePost(queue, job, context);
    this.submission = new SampleSubmission(queue.service.dispatchOf(flags), this.post, this);
    this.submission.start();
  }

  next(promise: FuturePromise): void {
    const sent = this.post?.sent(promise);
    if (sent === undefined) return;
    this.work.took(sent);
    this.subscriber.next(sent);
  }

  error(error: unknown): void {
    this.subscriber.error(error);
  }

  complete(): void {
    this.subscriber.complete();
  }

  stuck(error: TinkerError): void {
    this.subscriber.error(error);
  }

  unsubscribe(): void {
    this.work.queue.progress.unwatch(this);
    this.submission?.unsubscribe();
    this.work.ended();
  }
}
