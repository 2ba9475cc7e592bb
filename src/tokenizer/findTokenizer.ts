import {
  EMPTY,
  type Observable,
  catchError,
  concat,
  concatMap,
  from,
  ignoreElements,
  of,
  take,
  throwIfEmpty,
} from 'rxjs';
import { describe } from '../errors.js';
import type { Environment } from './environment.js';
import type { BuildTokenizer } from './huggingFace.js';
import { isPath } from './names.js';
import { nodeFiles } from './nodeFiles.js';
import { type Search, type Source, namedSources, pathSources } from './sources.js';
import type { Tokenizer } from './tokenizer.js';
import { type Miss, unavailable } from './unavailable.js';

/** The tokenizer of the first place that has a good file. Errors: `tokenizer_unavailable`. */
export function findTokenizer(
  build: BuildTokenizer,
  wanted: Omit<Search, 'files'>,
  environment: Environment,
): Observable<Tokenizer> {
  const search: Search = { ...wanted, files: nodeFiles(environment) };
  const misses: Miss[] = [];
  const attempts = sourcesOf(search).map(({ place, text, keep }) =>
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

function sourcesOf(search: Search): Source[] {
  return isPath(search.id) ? pathSources(search) : namedSources(search);
}

function parse(content: string): object {
  const json: unknown = JSON.parse(content);
  if (typeof json === 'object' && json !== null && 'model' in json) return json;
  throw new Error(`expected the content of a tokenizer.json, got ${describe(json)}`);
}
