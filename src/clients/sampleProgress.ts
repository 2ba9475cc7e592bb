import {
  type MonoTypeOperatorFunction,
  Observable,
  type SchedulerLike,
  type Subscriber,
  type Subscription,
} from 'rxjs';
import { TinkerError } from '../errors.js';

/** How long samples may wait without any of them being finished, in milliseconds. */
const NO_PROGRESS = 7_200_000;

/** Watches over the samples of a client: when none was finished for 2 hours, those that wait fail. */
export class SampleProgress {
  private readonly waiting = new Set<Subscriber<never>>();
  private timer: Subscription | undefined;
  private lastProgress = 0;

  constructor(
    private readonly scheduler: SchedulerLike,
    private readonly samplingSessionId: string,
  ) {}

  /** Notes that a sample was finished. */
  note(): void {
    this.lastProgress = this.scheduler.now();
  }

  /** Fails with `request_timeout` when no sample was finished for 2 hours. */
  unlessStuck<T>(): MonoTypeOperatorFunction<T> {
    return (source) =>
      new Observable((subscriber) => {
        this.waiting.add(subscriber);
        if (this.timer === undefined) {
          this.note();
          this.arm(NO_PROGRESS);
        }
        subscriber.add(() => {
          this.waiting.delete(subscriber);
          if (this.waiting.size > 0) return;
          this.timer?.unsubscribe();
          this.timer = undefined;
        });
        source.subscribe(subscriber);
      });
  }

  /** One timer for all, which looks at the clock when it ends: setting it anew for each sample would cost more. */
  private arm(delayMs: number): void {
    this.timer = this.scheduler.schedule(() => {
      const left = this.lastProgress + NO_PROGRESS - this.scheduler.now();
      if (left > 0) this.arm(left);
      else for (const subscriber of [...this.waiting]) subscriber.error(this.stuck());
    }, delayMs);
  }

  private stuck(): TinkerError {
    return new TinkerError(
      'request_timeout',
      `No sample of ${this.samplingSessionId} was finished for ${NO_PROGRESS / 1000} s; they seem to be stuck. ` +
        'Check the server; call sample() again to send new ones.',
      { details: { operation: 'sample' } },
    );
  }
}
