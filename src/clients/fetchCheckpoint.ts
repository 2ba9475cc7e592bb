import { Observable, catchError, concat, concatMap, defer, ignoreElements, map, of, takeUntil, throwError } from 'rxjs';
import { type StagedFile, StagingFolder } from '../download/stagingFolder.js';
import { TinkerError } from '../errors.js';
import type { Connection } from './connection.js';
import type { DownloadProgress } from './downloadProgress.js';
import { type DownloadStep, archiveFiles, exportFiles } from './downloadSteps.js';
import { exportedWeights } from './exportedWeights.js';
import type { RestConnection } from './restConnection.js';
import type { DownloadOptions } from './restDownload.js';
import { parseTinkerPath } from './tinkerPath.js';

/** Statuses of a server that does not export weights. */
const noExport: readonly (number | undefined)[] = [404, 405, 501];

/** Fetches a checkpoint's files into a folder of its own, and puts them at their place when all are whole. */
export function fetchCheckpoint(
  rest: RestConnection,
  path: string,
  { directory, overwrite = false, by }: DownloadOptions,
): Observable<DownloadProgress> {
  const { kind } = parseTinkerPath(path);
  const { connection } = rest;
  return defer(() => {
    const folder = new StagingFolder(directory, overwrite);
    const archive = defer(() => archiveFiles(connection, path, folder));
    const files = defer((): Observable<DownloadStep> => {
      if (by === 'archive' || (by === undefined && kind === 'sampler_weights')) return archive;
      if (kind === 'external_weights') return exportFiles(connection, path, folder, false);
      let isExported = false;
      const exported = exportedWeights(rest, path, (made) => {
        isExported = true;
        return exportFiles(connection, made, folder, true);
      });
      return concat(of<DownloadStep>({ type: 'preparing', by: 'export' }), exported).pipe(
        catchError((error: unknown) => {
          const offersNone = error instanceof TinkerError && noExport.includes(error.details.status);
          return offersNone && !isExported && by === undefined ? archive : throwError(() => error);
        }),
      );
    });
    return concat(defer(() => folder.prepare()).pipe(ignoreElements()), files).pipe(
      concatMap((step) => (step.type === 'staged' ? finish(folder, directory, step.files) : of(step))),
      takeUntil(whenClosed(connection)),
    );
  });
}

/** Puts the files at their place. */
function finish(folder: StagingFolder, directory: string, files: readonly StagedFile[]): Observable<DownloadProgress> {
  return defer(() => folder.finish(files)).pipe(
    map((placed): DownloadProgress => ({ type: 'finished', directory, files: placed })),
  );
}

/** Errors when the client is closed. */
function whenClosed(connection: Connection): Observable<never> {
  return new Observable((subscriber) => {
    const fail = (error: TinkerError): void => {
      subscriber.error(error);
    };
    if (connection.closed !== undefined) fail(connection.closed);
    const waiting = { fail, close: fail };
    connection.active.add(waiting);
    return () => connection.active.delete(waiting);
  });
}
