import { type Observable, map } from 'rxjs';
import {
  type Checkpoint,
  type SessionSearch,
  type SessionSearchCursor,
  type SessionSummary,
  type TrainingRun,
  checkNumber,
  checkpointListSchema,
  sessionListSchema,
  sessionSearchPageSchema,
  toWireSessionSearch,
  trainingRunListSchema,
} from '../wire/index.js';
import type { Connection } from './connection.js';
import { withQuery } from './restCall.js';
import { type AccessScope, trainingRunPath } from './restPaths.js';
import { nextOffset, pages } from './restPages.js';

/** How a list is asked for. */
export interface ListOptions {
  /** Items in a request, 1 to 1,000; how many come in all is up to `take`. */
  readonly pageSize?: number;
}

/** Which training runs to list. */
export interface TrainingRunListOptions extends ListOptions {
  /** Default `owned`. */
  readonly accessScope?: AccessScope;
  readonly projectId?: string;
}

/** The caller's training runs, the latest first. */
export function trainingRuns(connection: Connection, options: TrainingRunListOptions): Observable<TrainingRun> {
  const { accessScope = 'owned', projectId } = options;
  const pageSize = checkPageSize(options.pageSize ?? 20);
  return pages(connection, 0, (offset) =>
    connection.api
      .call({
        method: 'GET',
        path: withQuery('/api/v1/training_runs', {
          limit: pageSize,
          offset,
          access_scope: accessScope,
          project_id: projectId,
        }),
        schema: trainingRunListSchema,
        retry: 'standard',
      })
      .pipe(
        map(({ trainingRuns: items, cursor }) => ({
          items,
          next: nextOffset({ offset, pageSize, count: items.length }, cursor.totalCount),
        })),
      ),
  );
}

/** All checkpoints of a training run; servers give them in one answer. */
export function checkpointsOf(connection: Connection, trainingRunId: string): Observable<Checkpoint> {
  const path = `${trainingRunPath(trainingRunId)}/checkpoints`;
  return pages(connection, 'all', () =>
    connection.api
      .call({ method: 'GET', path, schema: checkpointListSchema, retry: 'standard' })
      .pipe(map(({ checkpoints: items }) => ({ items, next: undefined }))),
  );
}

/** The checkpoints of all the caller's training runs. */
export function userCheckpoints(connection: Connection, options: ListOptions): Observable<Checkpoint> {
  const pageSize = checkPageSize(options.pageSize ?? 100);
  return pages(connection, 0, (offset) =>
    connection.api
      .call({
        method: 'GET',
        path: withQuery('/api/v1/checkpoints', { limit: pageSize, offset }),
        schema: checkpointListSchema,
        retry: 'standard',
      })
      .pipe(
        map(({ checkpoints: items, cursor }) => ({
          items,
          next: nextOffset({ offset, pageSize, count: items.length }, cursor?.totalCount),
        })),
      ),
  );
}

/** The ids of the caller's sessions. */
export function sessionIds(
  connection: Connection,
  options: ListOptions & { readonly accessScope?: AccessScope },
): Observable<string> {
  const { accessScope = 'owned' } = options;
  const pageSize = checkPageSize(options.pageSize ?? 20);
  return pages(connection, 0, (offset) =>
    connection.api
      .call({
        method: 'GET',
        path: withQuery('/api/v1/sessions', { limit: pageSize, offset, access_scope: accessScope }),
        schema: sessionListSchema,
        retry: 'standard',
      })
      .pipe(map(({ sessions: items }) => ({ items, next: nextOffset({ offset, pageSize, count: items.length }) }))),
  );
}

/** The sessions that a search finds, the latest first. */
export function foundSessions(connection: Connection, search: SessionSearch): Observable<SessionSummary> {
  const body = toWireSessionSearch(search);
  type Place = SessionSearchCursor | 'start';
  return pages<SessionSummary, Place>(connection, 'start', (place) =>
    connection.api
      .call({
        method: 'POST',
        path: '/api/v1/sessions/search',
        body: place === 'start' ? body : { ...body, cursor: place },
        schema: sessionSearchPageSchema,
        retry: 'standard',
      })
      .pipe(map(({ sessions: items, nextCursor: next }) => ({ items, next }))),
  );
}

function checkPageSize(pageSize: number): number {
  return checkNumber('pageSize', pageSize, { integer: true, min: 1, max: 1000 });
}
