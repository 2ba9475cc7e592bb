import { invalidArgument } from '../errors.js';

/** Checks the form of a saved path. @throws TinkerError `invalid_argument` */
export function checkTinkerPath(path: string): void {
  if (typeof path === 'string' && /^tinker:\/\/[^/]+\/.+/.test(path)) return;
  throw invalidArgument(
    'a path like tinker://<run>/weights/<name>',
    path,
    'saveState and saveWeightsForSampler give one.',
  );
}
