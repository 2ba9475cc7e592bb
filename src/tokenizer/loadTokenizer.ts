import {
  asyncScheduler,
  concatMap,
  defer,
  finalize,
  NEVER,
  type Observable,
  of,
  ReplaySubject,
  type SchedulerLike,
  share,
  tap,
} from 'rxjs';
import { invalidArgument } from '../errors.js';
import { type Environment, nodeEnvironment, setting } from './environment.js';
import type { Fetcher } from './hub.js';
import { huggingFace, type TokenizerLibrary } from './huggingFace.js';
import { isHubName, isPath } from './names.js';
import type { Search } from './sources.js';
import type { Tokenizer } from './tokenizer.js';
import { pinnedRevision } from './tokenizerId.js';

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
  const wanted: Omit<Search, 'files'> = {
    id,
    revision: options.revision ?? pinnedRevision(id) ?? 'main',
    endpoint: options.endpoint ?? setting(environment.HF_ENDPOINT) ?? 'https://huggingface.co',
    token: setting(environment.HF_TOKEN),
    fromServer,
    fetcher: options.fetch ?? ((url, init) => fetch(url, init)),
    timeoutMs: options.timeoutMs ?? 60_000,
    scheduler: options.scheduler ?? asyncScheduler,
  };
  checkNames(wanted);

  const cache = options.cache ?? (fromServer === undefined ? processCache : new Map<string, Observable<Tokenizer>>());
  const key = [library.name, wanted.endpoint, id, wanted.revision].join(' ');
  return defer(() => {
    const cached = cache.get(key);
    if (cached !== undefined) return cached;
    const load = library.load().pipe(
      concatMap((build) =>
        // What searches is loaded with the first tokenizer.
        defer(() => import('./findTokenizer.js')).pipe(
          concatMap(({ findTokenizer }) => findTokenizer(build, wanted, environment)),
        ),
      ),
    );
    const shared = sharedLoad(load, () => cache.delete(key));
    cache.set(key, shared);
    return shared;
  });
}

function checkNames({ id, revision }: Pick<Search, 'id' | 'revision'>): void {
  if (typeof id !== 'string' || id === '') throw invalidArgument('the id or path of a tokenizer', id);
  if (isPath(id)) return;
  if (!isHubName(id)) throw invalidArgument('a tokenizer as "organisation/name" or a path', id);
  if (!isHubName(revision)) throw invalidArgument('a revision as a branch, tag or commit', revision);
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
