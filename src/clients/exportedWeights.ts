import {
  EMPTY,
  type Observable,
  catchError,
  concat,
  defer,
  finalize,
  ignoreElements,
  switchMap,
  tap,
  throwError,
} from 'rxjs';
import { makeOperation } from './connection.js';
import { createFromStateWork } from './createFromState.js';
import type { RestConnection } from './restConnection.js';
import { checkpointPath } from './restPaths.js';

/** Seconds that an export is kept; each signing of its URLs begins them anew. */
export const EXPORT_TTL = 3_600;

/**
 * Exports the weights of a training state, hands the path of the export to a stream, and deletes it whatever ended that.
 *
 * The server exports live models only: one is made of the state, and unloaded at the end.
 */
export function exportedWeights<T>(
  rest: RestConnection,
  path: string,
  use: (exported: string) => Observable<T>,
): Observable<T> {
  return defer(() => {
    const { connection } = rest;
    const { context, end } = rest.openService();
    const work = createFromStateWork(context, path, false, { userMetadata: { created_by: 'rxtinker download' } });
    const left: Observable<unknown>[] = [];
    let ended = false;
    const clean = defer(() => {
      ended = true;
      return concat(...left, end).pipe(ignoreElements());
    });
    const later = (what: string, work: Observable<unknown>): void => {
      const quiet = catchError((error: unknown) => {
        connection.log.info(`${what}: ${String(error)} The server does so by itself within the hour.`);
        return EMPTY;
      });
      left.push(work.pipe(ignoreElements(), quiet));
    };
    const remove = (exported: string): Observable<unknown> =>
      connection.api.call({
        method: 'DELETE',
        path: checkpointPath(exported),
        read: () => undefined,
        retry: { deadlineMs: 10_000 },
      });
    const used = makeOperation(connection, work).pipe(
      tap((training) => {
        later('The model of the export could not be unloaded', training.unloadModel());
      }),
      switchMap((training) => training.saveWeightsExternal('download', { ttlSeconds: EXPORT_TTL })),
      tap(({ path: exported }) => {
        later('The export could not be deleted', remove(exported));
      }),
      switchMap(({ path: exported }) => use(exported)),
    );
    return concat(used, clean).pipe(
      catchError((error: unknown) =>
        ended
          ? throwError(() => error)
          : concat(
              clean,
              throwError(() => error),
            ),
      ),
      finalize(() => {
        if (!ended) context.finishLater(clean);
      }),
    );
  });
}
