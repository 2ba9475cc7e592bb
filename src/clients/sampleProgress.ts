import type { SchedulerLike, Subscription } from 'rxjs';
import { TinkerError } from '../errors.js';

/** How long samples may wait without any of them being finished, in milliseconds. */
const NO_PROGRESS = 7_200_000;

/** Whoever is told that the samples seem to be stuck. */
export interface StuckListener {
  stuck(error: TinkerError): void;
}

/** Watches over the samples of a client: when none was finished for 2 hours, those that wait fail. */
export class SampleProgress {
  private readonly waiting = new Set<StuckListener>();
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

  /** Tells of `request_timeout` when no sample was finished for 2 hours, unless it is no longer watched. */
  watch(sample: StuckListener): void {
    this.waiting.add(sample);
    if (this.timer !== undefined) return;
    this.note();
    this.arm(NO_PROGRESS);
  }

  unwatch(sample: StuckListener): void {
    if (!this.waiting.delete(sample) || this.waiting.size > 0) return;
    this.timer?.unsubscribe();
    this.timer = undefined;
  }

  /** One timer for all, which looks at the clock when it ends: setting it anew for each sample would cost more. */
  private arm(delayMs: number): void {
    this.timer = this.scheduler.schedule(() => {
      const left = this.lastProgress + NO_PROGRESS - this.scheduler.now();
      if (left > 0) this.arm(left);
      else for (const sample of [...this.waiting]) sample.stuck(this.stuck());
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
