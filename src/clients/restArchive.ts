import { type Observable, map } from 'rxjs';
import { retryTransient } from '../../operators/retryTransient.js';
import { TinkerError } from '../errors.js';
import { decideRetry } from '../transport/retryTable.js';
import type { TransportResponse } from '../transport/transport.js';
import { type ArchiveUrl, archiveUrlSchema, parseJson, readResponse } from '../wire/index.js';
import type { Connection } from './connection.js';
import { checkpointPath } from './restPaths.js';
import type { OperationSpan } from './tracing.js';

/** A server that builds the archive answers 503 so long. */
const ARCHIVE_WAIT = 30_000;
const ARCHIVE_TRIES = 6;
/** How long other faults are retried, in milliseconds. */
const FAULTS_DEADLINE = 300_000;

/** Asks where the archive of a checkpoint is; servers answer a redirect or JSON, and 503 while they build it. */
export function archiveUrl(
  { api, scheduler, random }: Connection,
  path: string,
  span?: OperationSpan,
): Observable<ArchiveUrl> {
  const request = { method: 'GET', path: `${checkpointPath(path)}/archive`, headers: span?.headers } as const;
  const read = (response: TransportResponse): ArchiveUrl => {
    const { status, headers, body } = response;
    const { location, expires } = headers;
    if (status >= 300 && status < 400 && location !== undefined) {
      return { url: location, ...(expires !== undefined && { expires }) };
    }
    if (status < 200 || status >= 300) throw api.errorOf(request, response);
    const endpoint = `GET ${request.path}`;
    return readResponse(archiveUrlSchema, parseJson(body, endpoint), endpoint);
  };
  return api.callRaw(request).pipe(
    map(read),
    retryTransient({
      decide: (error, attempt) => {
        if (!(error instanceof TinkerError)) return { retry: false };
        if (error.details.status !== 503) return decideRetry(error, attempt, random);
        return attempt + 1 < ARCHIVE_TRIES ? { retry: true, delayMs: ARCHIVE_WAIT, pause: true } : { retry: false };
      },
      deadlineMs: FAULTS_DEADLINE,
      scheduler,
    }),
  );
}
