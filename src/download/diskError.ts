import { TinkerError } from '../errors.js';

/** The error of a folder that can't be written, e.g. for lack of space or of permission. */
export function diskError(place: string, cause: unknown): TinkerError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new TinkerError('invalid_config', `The folder ${place} can't be used: ${why}. Choose another, or make room.`, {
    cause,
  });
}
