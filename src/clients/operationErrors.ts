import { TinkerError } from '../errors.js';

/** The error of an operation whose signal was aborted. */
export function aborted(type: string, reason: unknown): TinkerError {
  return new TinkerError('aborted', `${type} was aborted by its signal. What was already sent is finished.`, {
    cause: reason,
  });
}

/** The error of a creation whose result was given back. */
export function discarded(type: string): TinkerError {
  return new TinkerError(
    'aborted',
    `${type} finished when nobody was subscribed, and its result was given back. Call the method again.`,
  );
}

/** Whatever a step of an operation threw, as the package's error. */
export function asTinkerError(error: unknown, type: string): TinkerError {
  if (error instanceof TinkerError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new TinkerError('invalid_response', `${type} failed unexpectedly: ${message}`, { cause: error });
}
