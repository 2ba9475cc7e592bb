import { Observable, catchError, concat, concatMap, defer, ignoreElements, map, of, takeUntil, throwError } from 'rxjs';
import { type StagedFile, StagingFolder } from '../download/stagingFolder.js';
import { TinkerError, invalidArgument } from '../errors.js';
import type { Connection } from './connection.js';
import type { DownloadProgress } from './downloadProgress.js';
import { type DownloadStep, archiveFiles, exportFiles } from './downloadSteps.js';
import { exportedWeights } from './exportedWeights.js';
import type { RestConnection } from './restConnection.js';
import { parseTinkerPath } from './tinkerPath.js';

/** How a checkpoint is downloaded. */
export interface DownloadOptions {
  /** The folder that its files are put into; made where it is missing. */
  readonly directory: string;
  /** Replaces files that are in the folder already; default false. */
  readonly overwrite?: boolean;
  /**
   * `export`: as files of exported weights; `archive`: as one archive, as older servers do it. Default: an archive for
   * weights saved for sampling, else an export, and an archive where the server exports nothing.
   */
  readonly by?: 'export' | 'archive';
}

const ways: readonly unknown[] = ['export', 'archive'];
/** Statuses of a server that does not export weights. */
const noExport: readonly (number | undefined)[] = [404, 405, 501];

/** Downloads a checkpoint. @throws TinkerError `invalid_argument` */
export function downloadCheckpoint(
  rest: RestConnection,
  path: string,
  options: DownloadOptions,
): Observable<DownloadProgress> {
  const { kind } = parseTinkerPath(path);
  const { directory, overwrite = false, by } = options;
  if (typeof directory !== 'string' || directory === '') throw invalidArgument('directory to be a folder', directory);
  if (by !== undefined && !ways.includes(by)) throw invalidArgument("by: 'export' or 'archive'", by);
  if (by === 'export' && kind === 'sampler_weights') {
    throw invalidArgument("by: 'archive' for weights saved for sampling", by, 'Only training states are exported.');
  }
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
