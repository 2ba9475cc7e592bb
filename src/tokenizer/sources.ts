import { concatMap, EMPTY, from, map, type Observable, of, type SchedulerLike, take } from 'rxjs';
import { type Fetcher, getText, hubUrl } from './hub.js';
import type { TokenizerFiles } from './nodeFiles.js';

/** One place where a `tokenizer.json` may be. */
export interface Source {
  /** Its name in messages. */
  readonly place: string;
  /** Emits the file's text, or completes without a value where there is none. */
  readonly text: Observable<string>;
  /** Keeps a text that proved good. */
  readonly keep?: ((text: string) => Promise<void>) | undefined;
}

/** What the search for a tokenizer depends on. */
export interface Search {
  readonly id: string;
  readonly revision: string;
  readonly endpoint: string;
  readonly token: string | undefined;
  readonly fromServer: Observable<string | Uint8Array> | undefined;
  /** Undefined where there is no disk. */
  readonly files: TokenizerFiles | undefined;
  readonly fetcher: Fetcher;
  readonly timeoutMs: number;
  readonly scheduler: SchedulerLike;
}

/** The only place for an id that is a path. */
export function pathSources({ id, files }: Search): Source[] {
  if (files === undefined) return [{ place: `${id} (there is no disk here)`, text: EMPTY }];
  const file = files.locate(id);
  return [{ place: file, text: present(() => files.read(file)) }];
}

/** The places for a name on the hub, in the order in which they are tried. */
export function namedSources(search: Search): Source[] {
  const { id, revision, endpoint, fromServer, files } = search;
  const url = hubUrl(endpoint, id, revision, 'tokenizer.json');
  const sources: Source[] = [];
  if (fromServer !== undefined) {
    const text = fromServer.pipe(
      take(1),
      map((content) => (typeof content === 'string' ? content : new TextDecoder().decode(content))),
    );
    sources.push({ place: 'the server', text });
  }
  if (files === undefined) return [...sources, { place: url, text: getText(url, search) }];
  const cacheFile = files.cacheFile(id, revision);
  const hubDirectory = files.hubDirectory(id);
  return [
    ...sources,
    { place: cacheFile, text: present(() => files.read(cacheFile)) },
    { place: hubDirectory, text: present(() => files.readSnapshot(hubDirectory, revision)) },
    { place: url, text: getText(url, search), keep: (text) => files.write(cacheFile, text) },
  ];
}

function present(read: () => Promise<string | undefined>): Observable<string> {
  return of(undefined).pipe(
    concatMap(() => from(read())),
    concatMap((text) => (text === undefined ? EMPTY : of(text))),
  );
}
