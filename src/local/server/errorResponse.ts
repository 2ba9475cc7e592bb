import { TinkerError } from '../../errors.js';
import { jsonResponse } from './jsonResponse.js';
import { isCallersFault } from './isCallersFault.js';
import type { ServerResponse } from './serverResponse.js';

/** The answer that tells of an error: its own status, 400 where the caller is at fault, else 500. */
export function errorResponse(error: unknown): ServerResponse {
  const details = error instanceof TinkerError ? error.details : {};
  const status = details.status ?? (isCallersFault(error) ? 400 : 500);
  const headers: Record<string, string> = {};
  // Clients retry a 409 by default, yet the same request can only be refused again.
  if (status === 409) headers['x-should-retry'] = 'false';
  if (details.retryAfterMs !== undefined) headers['retry-after-ms'] = String(details.retryAfterMs);
  return jsonResponse({ detail: error instanceof Error ? error.message : String(error) }, status, headers);
}
