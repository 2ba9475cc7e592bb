import { type Observable, Subject, type Subscription, catchError, defer, from, ignoreElements, merge, tap } from 'rxjs';
import type { DashboardSource } from './dashboardSource.js';
import type { DashboardEvent } from './page/dashboardEvent.js';
import { RunHistories } from './page/runHistories.js';

/** Follows the sources, keeps what happened, and tells it to whoever asks, now and later. */
export class EventHub {
  /** What happens from now on. */
  readonly events$: Observable<DashboardEvent>;
  readonly #events = new Subject<DashboardEvent>();
  readonly #histories = new RunHistories();
  readonly #sources: readonly DashboardSource[];

  constructor(sources: readonly DashboardSource[]) {
    this.#sources = sources;
    this.events$ = this.#events.asObservable();
  }

  /** Events that tell what happened so far. */
  history(): Iterable<DashboardEvent> {
    return this.#histories.events();
  }

  /** Follows until it is unsubscribed from. */
  follow(): Subscription {
    return merge(...this.#sources.map((source, index) => this.#follow(source, index)))
      .pipe(
        tap((event) => {
          this.#histories.apply(event);
          this.#events.next(event);
        }),
        ignoreElements(),
      )
      .subscribe();
  }

  /** A source that fails is shown as a run that stalled; the others go on. */
  #follow({ events$ }: DashboardSource, index: number): Observable<DashboardEvent> {
    return defer(() => events$).pipe(
      catchError((error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        const run =
          this.#histories.runs.size === 1 ? ([...this.#histories.runs.keys()][0] ?? '') : `source ${index + 1}`;
        return from([{ type: 'run', run, state: 'stalled', note: `It can't be followed any more: ${why}` } as const]);
      }),
    );
  }
}
