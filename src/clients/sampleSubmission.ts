import type { Observable, Observer, Unsubscribable } from 'rxjs';
import type { SizedWaiter } from '../../operators/byteBudget.js';
import { TinkerError } from '../errors.js';
import type { SampleDispatch } from './sampleDispatch.js';

/** Pauses after a 429, in milliseconds; the longer one for large prompts. */
const SHORT_PAUSE = 1_000;
const LONG_PAUSE = 5_000;
const LARGE_PROMPT = 128 * 1024;

/** A request to be submitted; it may be posted several times. */
export interface Submittable<T> {
  /** An estimate of its prompt. */
  readonly promptBytes: number;
  post(): Observable<T>;
  answered(answer: T): void;
  failed(error: unknown): void;
  /** Told when it waits for a pause to end. */
  paused?(): void;
}

/** One request on its way through a dispatch: it waits for a place, for its bytes, and for pauses to end. */
export class SampleSubmission<T> implements SizedWaiter, Observer<T>, Unsubscribable {
  /** What it counts for, as of when it asked for that. */
  bytes = 0;
  private stage: 'submission' | 'throttled' | 'budget' | 'posting' | 'over' = 'submission';
  private isThrottled = false;
  private isBudgeted = false;
  /** The request, or a pause. */
  private underWay: Unsubscribable | undefined;

  constructor(
    private readonly dispatch: SampleDispatch,
    private readonly request: Submittable<T>,
  ) {}

  /** Whether the request is on its way. */
  get isPosting(): boolean {
    return this.stage === 'posting';
  }

  /** Posts the request when its turn comes. */
  start(): void {
    if (this.dispatch.submissions.enter(this)) this.begin();
  }

  /** Goes on from one wait to the next. */
  begin(): void {
    const { dispatch } = this;
    if (this.stage === 'submission' && dispatch.isThrottled()) {
      this.stage = 'throttled';
      this.isThrottled = true;
      if (!dispatch.throttled.enter(this)) return;
    }
    if (!this.isBudgeted) {
      this.stage = 'budget';
      this.isBudgeted = true;
      this.bytes = dispatch.cost(this.request.promptBytes);
      if (!dispatch.budget.enter(this)) return;
    }
    this.post();
  }

  next(answer: T): void {
    if (!this.isPosting) return;
    this.request.answered(answer);
    this.unsubscribe();
  }

  error(error: unknown): void {
    if (this.isOver()) return;
    if (!(error instanceof TinkerError) || error.code !== 'rate_limited') {
      this.request.failed(error);
      this.unsubscribe();
      return;
    }
    const usual = this.request.promptBytes > LARGE_PROMPT ? LONG_PAUSE : SHORT_PAUSE;
    this.dispatch.pause(error.details.retryAfterMs ?? usual);
    this.post();
  }

  complete(): void {
    if (this.isPosting) this.error(new TinkerError('invalid_response', 'Expected an answer to a sample, got none.'));
  }

  unsubscribe(): void {
    if (this.stage === 'over') return;
    this.stage = 'over';
    this.underWay?.unsubscribe();
    const { dispatch } = this;
    if (this.isBudgeted) dispatch.budget.leave(this);
    if (this.isThrottled) dispatch.throttled.leave(this);
    dispatch.submissions.leave(this);
  }

  private post(): void {
    const { scheduler } = this.dispatch;
    const pause = this.dispatch.pauseLeft();
    if (pause > 0) {
      this.stage = 'budget';
      this.underWay = scheduler.schedule(() => {
        this.post();
      }, pause);
      this.request.paused?.();
      return;
    }
    this.stage = 'posting';
    try {
      const posting = this.request.post().subscribe(this);
      if (posting.closed) return;
      this.underWay = posting;
      if (this.isOver()) posting.unsubscribe();
    } catch (error) {
      this.error(error);
    }
  }

  private isOver(): boolean {
    return this.stage === 'over';
  }
}
