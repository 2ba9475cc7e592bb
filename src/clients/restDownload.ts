import { type Observable, defer, switchMap } from 'rxjs';
import { invalidArgument } from '../errors.js';
import type { DownloadProgress } from './downloadProgress.js';
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

/** Downloads a checkpoint. @throws TinkerError `invalid_argument` */
export function downloadCheckpoint(
  rest: RestConnection,
  path: string,
  options: DownloadOptions,
): Observable<DownloadProgress> {
  const { kind } = parseTinkerPath(path);
  const { directory, by } = options;
  if (typeof directory !== 'string' || directory === '') throw invalidArgument('directory to be a folder', directory);
  if (by !== undefined && !ways.includes(by)) throw invalidArgument("by: 'export' or 'archive'", by);
  if (by === 'export' && kind === 'sampler_weights') {
    throw invalidArgument("by: 'archive' for weights saved for sampling", by, 'Only training states are exported.');
  }
  return defer(() => import('./fetchCheckpoint.js')).pipe(
    switchMap(({ fetchCheckpoint }) => fetchCheckpoint(rest, path, options)),
  );
}
