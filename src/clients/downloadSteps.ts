import {
  type Observable,
  concat,
  concatMap,
  defer,
  from,
  ignoreElements,
  lastValueFrom,
  map,
  of,
  switchMap,
} from 'rxjs';
import { type SignedUrl, downloadFile } from '../download/downloadFile.js';
import { type OpenUrl, fetchUrl } from '../download/openUrl.js';
import type { PartialFile } from '../download/receive.js';
import type { StagedFile, StagingFolder } from '../download/stagingFolder.js';
import { unpackArchive } from '../download/unpackArchive.js';
import { externalWeightsUrlsSchema } from '../wire/index.js';
import type { Connection } from './connection.js';
import type { DownloadProgress } from './downloadProgress.js';
import { EXPORT_TTL } from './exportedWeights.js';
import { archiveUrl } from './restArchive.js';
import { checkpointPath } from './restPaths.js';
import { SignedUrls } from './signedUrls.js';

/** What is emitted inside: progress, then the files that are whole. */
export type DownloadStep = DownloadProgress | { readonly type: 'staged'; readonly files: readonly StagedFile[] };

/** A server in this process that completes without an answer has none. */
const noAnswer = { status: 503, headers: {}, body: new Uint8Array() };

const ARCHIVE = 'checkpoint.tar';

/** The files of exported weights, one after another; an export of our own is kept as long as it is needed. */
export function exportFiles(
  connection: Connection,
  path: string,
  folder: StagingFolder,
  isOurs: boolean,
): Observable<DownloadStep> {
  const resource = checkpointPath(path);
  const renew = connection.api
    .call({
      method: 'PUT',
      path: `${resource}/ttl`,
      body: { ttl_seconds: EXPORT_TTL },
      read: () => undefined,
      retry: 'standard',
    })
    .pipe(ignoreElements());
  const ask = connection.api.call({
    method: 'GET',
    path: `${resource}/external_weights_urls`,
    schema: externalWeightsUrlsSchema,
    retry: 'standard',
  });
  const signed = new SignedUrls(() => (isOurs ? concat(renew, ask) : ask), connection.scheduler);
  return signed.all().pipe(
    switchMap((urls) => {
      const files = Object.keys(urls).map((key) => ({ part: folder.part(key), url: signed.of(key) }));
      return concat(
        from(files).pipe(concatMap(({ part, url }) => received(connection, part, url))),
        of<DownloadStep>({
          type: 'staged',
          files: files.map(({ part: { name, path: place } }) => ({ name, path: place })),
        }),
      );
    }),
  );
}

/** The files of an archive, received as one and then unpacked. */
export function archiveFiles(connection: Connection, path: string, folder: StagingFolder): Observable<DownloadStep> {
  const signed = new SignedUrls(
    () =>
      archiveUrl(connection, path).pipe(
        map(({ url, expires }) => ({ urls: { [ARCHIVE]: url }, ...(expires !== undefined && { expires }) })),
      ),
    connection.scheduler,
  );
  const part = folder.part(ARCHIVE);
  return concat(
    of<DownloadStep>({ type: 'preparing', by: 'archive' }),
    received(connection, part, signed.of(ARCHIVE)),
    defer(async () => unpackArchive(part.path, await folder.emptyFolder())).pipe(
      map((files): DownloadStep => ({ type: 'staged', files })),
    ),
  );
}

function received(connection: Connection, part: PartialFile, url: SignedUrl): Observable<DownloadStep> {
  return downloadFile(part, url, { ...connection, open: openUrl(connection) }).pipe(
    map((progress): DownloadStep => ({ type: 'receiving', file: part.name, ...progress })),
  );
}

/** URLs by `fetch`; a path without a host is one of a server in this process. */
function openUrl({ api }: Connection): OpenUrl {
  return async (url, headers, signal) => {
    if (!url.startsWith('/')) return fetchUrl(url, headers, signal);
    const { body, ...head } = await lastValueFrom(api.callRaw({ method: 'GET', path: url, headers }), {
      defaultValue: noAnswer,
    });
    return {
      ...head,
      body: (async function* () {
        yield await Promise.resolve(body);
      })(),
    };
  };
}
