import type { Observable } from 'rxjs';
import type { DashboardEvent } from './page/dashboardEvent.js';

/** Something to follow: a file, a client, a server, or a stream of your own. */
export interface DashboardSource {
  /** Starts to follow when it is subscribed to; an error is shown as such, and the other sources go on. */
  readonly events$: Observable<DashboardEvent>;
}
