import { TinkerError } from '../../../errors.js';

/** The error of a custom loss that this engine can't take. */
export function refusedLoss(expected: string, got: string): TinkerError {
  return new TinkerError('bad_request', `Expected ${expected}, got ${got}.`);
}
