import {
  EMPTY,
  type MonoTypeOperatorFunction,
  type Observable,
  type SchedulerLike,
  asyncScheduler,
  concat,
  defer,
  distinctUntilChanged,
  groupBy,
  mergeMap,
  of,
  switchMap,
  tap,
  timer,
} from 'rxjs';

/** The state of a model's queue. */
export interface QueueNotice {
  readonly modelId: string;
  /** `active`, or why it is paused. */
  readonly state: string;
  readonly reason?: string | undefined;
}

/** How often {@link debounceQueueState} lets a notice pass. */
export interface DebounceQueueStateOptions {
  /** Least milliseconds between two notices of one model; default 60,000. */
  readonly intervalMs?: number;
  /** Default `asyncScheduler`. */
  readonly scheduler?: SchedulerLike;
}

/**
 * Thins the states of queues to notices worth a warning: at most one an interval and model.
 *
 * A state is changed if it or its reason differs from the model's state before. A changed state is emitted at once if
 * the interval has passed since the model's last notice; otherwise the latest is kept and emitted when it has, unless
 * it equals the last notice. `active` is never emitted, and drops what is kept: a pause that is over is no news.
 * What is kept is emitted when the source completes, and dropped on an error or an unsubscription.
 *
 * ```
 * source  -a-b-c----------d-|    a, b, c, d: pauses of one model
 * output  -a---------c----d-|    interval: ten frames
 * ```
 *
 * @example
 * ```ts
 * training.queueState$.pipe(map(({ state, reason }) => ({ modelId: training.modelId, state, reason })), debounceQueueState()).subscribe(({ modelId, reason }) => console.warn(`${modelId} is paused: ${reason}`));
 * ```
 */
export function debounceQueueState<N extends QueueNotice>(
  options: DebounceQueueStateOptions = {},
): MonoTypeOperatorFunction<N> {
  const { intervalMs = 60_000, scheduler = asyncScheduler } = options;
  return (source) =>
    source.pipe(
      groupBy(({ modelId }) => modelId),
      mergeMap((states) => noticesOf(states, intervalMs, scheduler)),
    );
}

function noticesOf<N extends QueueNotice>(
  states: Observable<N>,
  intervalMs: number,
  scheduler: SchedulerLike,
): Observable<N> {
  return defer(() => {
    let last: { readonly notice: N; readonly time: number } | undefined;
    let kept: N | undefined;
    const takeKept = (): Observable<N> => {
      const notice = kept;
      kept = undefined;
      return notice === undefined || (last !== undefined && isSame(notice, last.notice)) ? EMPTY : of(notice);
    };
    const changed = states.pipe(distinctUntilChanged<N>(isSame));
    return concat(changed, of(undefined)).pipe(
      switchMap((notice) => {
        if (notice === undefined) return takeKept();
        kept = undefined;
        if (notice.state === 'active') return EMPTY;
        const waitMs = last === undefined ? 0 : last.time + intervalMs - scheduler.now();
        if (waitMs <= 0) return of(notice);
        kept = notice;
        return timer(waitMs, scheduler).pipe(mergeMap(takeKept));
      }),
      tap((notice) => {
        last = { notice, time: scheduler.now() };
      }),
    );
  });
}

function isSame(one: QueueNotice, other: QueueNotice): boolean {
  return one.state === other.state && one.reason === other.reason;
}
