import { TinkerError } from '../errors.js';
import { isPath } from './names.js';
import type { Search } from './sources.js';

/** A place where a tokenizer was not found, and why. */
export interface Miss {
  readonly place: string;
  readonly error: unknown;
}

/** The error of a search that found nothing: what was wanted, where it was looked for, and what to do. */
export function unavailable(search: Search, misses: readonly Miss[]): TinkerError {
  const { id, revision, files } = search;
  const wanted = isPath(id) ? 'a tokenizer.json' : `tokenizer.json of revision ${revision}`;
  const looked = misses.map(({ place, error }) => `\n- ${place}: ${reason(error)}`).join('');
  const known = misses.flatMap(({ error }) => (error instanceof TinkerError ? [error] : []));
  const status = known.find(({ details }) => details.status !== undefined)?.details.status;
  const advice = isPath(id)
    ? 'Pass the path of a tokenizer.json or of a directory that has one.'
    : `${adviceByStatus(status)}Or get the file by other means and pass its path, or put it at ${
        files === undefined ? 'an address of your own (option endpoint)' : files.cacheFile(id, revision)
      }.`;
  return new TinkerError(
    'tokenizer_unavailable',
    `Expected to find the tokenizer ${id} (${wanted}), and did not:${looked}\n${advice}`,
    {
      retryable: known.some(({ retryable }) => retryable),
      cause: misses.at(-1)?.error,
      ...(status === undefined ? {} : { details: { status } }),
    },
  );
}

function adviceByStatus(status: number | undefined): string {
  switch (status) {
    case 401:
    case 403:
      return 'The hub asks for a token that may read it: set HF_TOKEN, or check that it is valid. ';
    case 404:
      return 'Check the name and the revision; the repository may also have its tokenizer in another form only. ';
    default:
      return 'Check the connection, or set HF_ENDPOINT to a hub that can be reached. ';
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
