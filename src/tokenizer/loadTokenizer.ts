import {
  asyncScheduler,
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  finalize,
  from,
  ignoreElements,
  NEVER,
  type Observable,
  of,
  ReplaySubject,
  type SchedulerLike,
  share,
  take,
  tap,
  throwIfEmpty,
} from 'rxjs';
import { describe, invalidArgument } from '../errors.js';
import { type Fetcher, isHubName } from './hub.js';
import { type BuildTokenizer, huggingFace, type TokenizerLibrary } from './huggingFace.js';
import { type Environment, nodeEnvironment, nodeFiles, setting } from './nodeFiles.js';
import { isPath, namedSources, pathSources, type Search, type Source } from './sources.js';
import type { Tokenizer } from './tokenizer.js';
import { pinnedRevision } from './tokenizerId.js';
import { type Miss, unavailable } from './unavailable.js';

/** Tokenizers that are loaded or being loaded, by library, hub, id and revision. */
export type TokenizerCache = Map<string, Observable<Tokenizer>>;

/** How {@link loadTokenizer} finds a tokenizer. */
export interface LoadTokenizerOptions {
  /** The `tokenizer.json` that the server ships, as text or UTF-8; completes without a value if it ships none. */
  readonly fromServer?: Observable<string | Uint8Array> | undefined;
  /** Branch, tag or commit on the hub; by default the one that the service pins, else `main`. */
  readonly revision?: string | undefined;
  /** Address of the hub; by default HF_ENDPOINT, else https://huggingface.co. */
  readonly endpoint?: string | undefined;
  /** In place of the global `fetch`. */
  readonly fetch?: Fetcher | undefined;
  /** Milliseconds until the hub's whole answer must be there, by default 60 000. */
  readonly timeoutMs?: number | undefined;
  /** In place of the process's HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_CACHE, XDG_CACHE_HOME and HOME. */
  readonly environment?: Environment | undefined;
  /** What reads the file, by default `@huggingface/tokenizers`. */
  readonly library?: TokenizerLibrary | undefined;
  /** Where loaded tokenizers are kept; by default one for the process, and none with `fromServer`. */
  readonly cache?: TokenizerCache | undefined;
  /** Time for `timeoutMs`. */
  readonly scheduler?: SchedulerLike | undefined;
}

const processCache: TokenizerCache = new Map();

/**
 * Loads a tokenizer; emits it and completes. Nothing happens before the subscription.
 *
 * An id that begins with `/`, `.` or a drive letter, or ends with `.json`, is the path of a `tokenizer.json` or of its
 * directory. Any other id is looked for on the server, in this package's cache on disk
 * (`$XDG_CACHE_HOME/rxtinker/tokenizers`), in the cache of the Hugging Face libraries, and on the hub, in this order;
 * what the hub sent is kept on disk and not asked for again. Subscribers share one load and its tokenizer; a load that
 * failed is forgotten, and one that nobody waits for any more too, its request aborted.
 *
 * Errors with code `tokenizer_unavailable`, which says what was wanted, where it was looked for, and what to do.
 *
 * @throws TinkerError `invalid_argument` for an id or a revision that is neither a path nor a name on the hub
 * @example
 * ```ts no-run
 * loadTokenizer('Qwen/Qwen3-8B').subscribe((tokenizer) => console.log(tokenizer.encode('Hello')));
 * ```
 */
export function loadTokenizer(id: string, options: LoadTokenizerOptions = {}): Observable<Tokenizer> {
  const { library = huggingFace, environment = nodeEnvironment(), fromServer } = options;
  const search: Search = {
    id,
    revision: options.revision ?? pinnedRevision(id) ?? 'main',
    endpoint: options.endpoint ?? setting(environment.HF_ENDPOINT) ?? 'https://huggingface.co',
    token: setting(environment.HF_TOKEN),
    fromServer,
    files: nodeFiles(environment),
    fetcher: options.fetch ?? ((url, init) => fetch(url, init)),
    timeoutMs: options.timeoutMs ?? 60_000,
    scheduler: options.scheduler ?? asyncScheduler,
  };
  checkNames(search);

  const cache = options.cache ?? (fromServer === undefined ? processCache : new Map<string, Observable<Tokenizer>>());
  const key = [library.name, search.endpoint, id, search.revision].join(' ');
  return defer(() => {
    const cached = cache.get(key);
    if (cached !== undefined) return cached;
    const load = library.load().pipe(concatMap((build) => firstOf(sourcesOf(search), build, search)));
    const shared = sharedLoad(load, () => cache.delete(key));
    cache.set(key, shared);
    return shared;
  });
}

function checkNames({ id, revision }: Search): void {
  if (typeof id !== 'string' || id === '') throw invalidArgument('the id or path of a tokenizer', id);
  if (isPath(id)) return;
  if (!isHubName(id)) throw invalidArgument('a tokenizer as "organisation/name" or a path', id);
  if (!isHubName(revision)) throw invalidArgument('a revision as a branch, tag or commit', revision);
}

function sourcesOf(search: Search): Source[] {
  return isPath(search.id) ? pathSources(search) : namedSources(search);
}

/** Shares one subscription of `load` and replays its value; calls `forget` if it ends without one. */
function sharedLoad(load: Observable<Tokenizer>, forget: () => void): Observable<Tokenizer> {
  let loaded = false;
  return load.pipe(
    tap(() => (loaded = true)),
    finalize(() => {
      if (!loaded) forget();
    }),
    share({
      connector: () => new ReplaySubject(1),
      resetOnComplete: false,
      // Whoever takes one value leaves before the completion; that must not load again.
      resetOnRefCountZero: () => (loaded ? NEVER : of(undefined)),
    }),
  );
}

/** The tokenizer of the first place that has a good file. */
function firstOf(sources: readonly Source[], build: BuildTokenizer, search: Search): Observable<Tokenizer> {
  const misses: Miss[] = [];
  const attempts = sources.map(({ place, text, keep }) =>
    text.pipe(
      throwIfEmpty(() => new Error('has no such file')),
      concatMap((content) => {
        const tokenizer = build(parse(content), search.id);
        // A disk that is full or read-only costs the next download only.
        const kept = keep === undefined ? EMPTY : from(keep(content)).pipe(catchError(() => EMPTY));
        return concat(kept.pipe(ignoreElements()), of(tokenizer));
      }),
      catchError((error: unknown) => {
        misses.push({ place, error });
        return EMPTY;
      }),
    ),
  );
  return concat(...attempts).pipe(
    take(1),
    throwIfEmpty(() => unavailable(search, misses)),
  );
}

function parse(content: string): object {
  const json: unknown = JSON.parse(content);
  if (typeof json === 'object' && json !== null && 'model' in json) return json;
  throw new Error(`expected the content of a tokenizer.json, got ${describe(json)}`);
}
