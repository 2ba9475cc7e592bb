import { TinkerError, type TinkerErrorCode } from '../../errors.js';

const callersFaults: ReadonlySet<TinkerErrorCode> = new Set<TinkerErrorCode>([
  'invalid_argument',
  'bad_request',
  'not_found',
  'conflict',
  'checkpoint_exists',
]);

/** Whether an error came of what the caller sent, not of this server. */
export function isCallersFault(error: unknown): boolean {
  return error instanceof TinkerError && callersFaults.has(error.code);
}
