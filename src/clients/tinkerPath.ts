import { invalidArgument } from '../errors.js';

const kinds = ['weights', 'sampler_weights', 'external_weights'] as const;

/** The parts of a checkpoint's path `tinker://<run>/<kind>/<name>`. */
export interface TinkerPath {
  readonly trainingRunId: string;
  /** Training states, weights for sampling, and exported weights. */
  readonly kind: (typeof kinds)[number];
  readonly name: string;
}

/** Reads a checkpoint's path. @throws TinkerError `invalid_argument`, naming the part that is wrong */
export function parseTinkerPath(path: string): TinkerPath {
  const expected = `a path like tinker://<run>/<kind>/<name>, where kind is one of ${kinds.join(', ')}`;
  const parts = typeof path === 'string' ? /^tinker:\/\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(path) : null;
  const [, trainingRunId, segment, name] = parts ?? [];
  if (trainingRunId === undefined || name === undefined) throw invalidArgument(expected, path);
  const kind = kinds.find((known) => known === segment);
  if (kind === undefined) throw invalidArgument(expected, path, `There is no kind ${String(segment)}.`);
  return { trainingRunId, kind, name };
}

/**
 * Checks the form of a path that the server reads itself; some servers leave out the kind.
 *
 * @throws TinkerError `invalid_argument`
 */
export function checkTinkerPath(path: string): void {
  if (typeof path === 'string' && /^tinker:\/\/[^/]+\/.+/.test(path)) return;
  throw invalidArgument(
    'a path like tinker://<run>/weights/<name>',
    path,
    'saveState and saveWeightsForSampler give one.',
  );
}
