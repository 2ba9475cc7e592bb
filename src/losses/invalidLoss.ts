import { TinkerError } from '../errors.js';

/** Makes the error of a loss that can't be used: code `invalid_loss`, never retryable. */
export function invalidLoss(message: string, cause?: unknown): TinkerError {
  return new TinkerError('invalid_loss', message, { cause });
}

/** What a caught value becomes: itself where it already names what is wrong with the loss. */
export function asInvalidLoss(cause: unknown, place = ''): TinkerError {
  if (cause instanceof TinkerError && cause.code === 'invalid_loss') return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return invalidLoss(`The custom loss threw${place}: ${reason}`, cause);
}
