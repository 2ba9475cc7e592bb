import { TinkerError } from '../../errors.js';

/** The error of a pass that came to NaN or an infinity. */
export function notFinite(what: string, got: number | undefined): TinkerError {
  return new TinkerError(
    'bad_request',
    `Expected a finite number as ${what}, got ${String(got)}. Nothing was accumulated; check the loss inputs and the learning rate.`,
  );
}
