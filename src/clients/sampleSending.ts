import type { Subscriber, Unsubscribable } from 'rxjs';
import type { TinkerError } from '../errors.js';
import type { FuturePromise } from '../wire/index.js';
import type { OperationContext } from './operationWork.js';
import type { SampleDispatch } from './sampleDispatch.js';
import { SamplePost, type SentSample } from './samplePost.js';
import type { StuckListener } from './sampleProgress.js';
import { type SubmissionObserver, SampleSubmission } from './sampleSubmission.js';
import type { SampleWork } from './sampleWork.js';

/** Sends one sample: waits for a slot and for the dispatch; until it is posted, it ends when nobody wants it any more. */
export class SampleSending implements SubmissionObserver<FuturePromise>, StuckListener, Unsubscribable {
  private dispatch: SampleDispatch | undefined;
  private post: SamplePost | undefined;
  private submission: SampleSubmission<FuturePromise> | undefined;
  private isListening = false;

  constructor(
    private readonly work: SampleWork,
    private readonly context: OperationContext,
    private readonly subscriber: Subscriber<SentSample>,
  ) {}

  start(): void {
    const { queue } = this.work;
    queue.withLimits(this.subscriber, (limits) => {
      this.dispatch = limits.dispatch;
      queue.watch(this, limits);
      this.work.enter(limits.slots);
    });
    if (this.submission?.isPosting !== true) this.listen();
  }

  /** The slot is there. */
  submit(): void {
    const { work, context, dispatch } = this;
    if (dispatch === undefined) return;
    this.post = new SamplePost(work.queue, work.job, context);
    this.submission = new SampleSubmission(dispatch, this.post, this);
    this.submission.start();
  }

  paused(): void {
    this.listen();
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

  /** Ends when nobody wants it any more; one that is posted at once, as most are, need not hear of that. */
  private listen(): void {
    const { context, subscriber } = this;
    if (this.isListening || subscriber.closed) return;
    this.isListening = true;
    const stop = (): void => {
      if (this.submission?.isPosting !== true) subscriber.complete();
    };
    subscriber.add(context.abandoned$.subscribe({ next: stop, error: stop }));
  }
}
