import {
  type MonoTypeOperatorFunction,
  type Observable,
  type SchedulerLike,
  Subject,
  map,
  share,
  startWith,
  switchMap,
  takeUntil,
  timer,
} from 'rxjs';
import { TinkerError } from '../errors.js';

/** How long samples may wait without any of them being finished, in milliseconds. */
const NO_PROGRESS = 7_200_000;

/** Watches over the samples of a client: when none was finished for 2 hours, those that wait fail. */
export class SampleProgress {
  private readonly finished = new Subject<void>();
  private readonly stuck$: Observable<never>;

  constructor(scheduler: SchedulerLike, samplingSessionId: string) {
    this.stuck$ = this.finished.pipe(
      startWith(undefined),
      switchMap(() => timer(NO_PROGRESS, scheduler)),
      map(() => {
        throw new TinkerError(
          'request_timeout',
          `No sample of ${samplingSessionId} was finished for ${NO_PROGRESS / 1000} s; they seem to be stuck. ` +
            'Check the server; call sample() again to send new ones.',
          { details: { operation: 'sample' } },
        );
      }),
      share(),
    );
  }

  /** Notes that a sample was finished. */
  note(): void {
    this.finished.next();
  }

  /** Fails with `request_timeout` when no sample was finished for 2 hours. */
  unlessStuck<T>(): MonoTypeOperatorFunction<T> {
    return takeUntil(this.stuck$);
  }
}
