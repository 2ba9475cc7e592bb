import { invalidArgument } from '../errors.js';

/**
 * Checks the name of a checkpoint: 1 to 128 letters, digits, `.`, `_` or `-`, not beginning with a dot.
 *
 * @throws TinkerError `invalid_argument`
 */
export function checkCheckpointName(name: string): void {
  if (typeof name === 'string' && /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/.test(name)) return;
  throw invalidArgument(
    'a checkpoint name of 1 to 128 letters, digits, ".", "_" or "-"',
    name,
    'It becomes the last part of tinker://<run>/weights/<name>.',
  );
}
