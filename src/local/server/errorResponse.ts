import { TinkerError } from '../../errors.js';
import { jsonResponse } from './jsonResponse.js';
import { isCallersFault } from './isCallersFault.js';
import type { ServerResponse } from './serverResponse.js';

/** What clients sent may be part of a message, which is cut here. */
const longest = 2000;

/** The answer that tells of an error: its own status, 400 where the caller is at fault, else 500. */
export function errorResponse(error: unknown): ServerResponse {
  const details = error instanceof TinkerError ? error.details : {};
  const status = details.status ?? (isCallersFault(error) ? 400 : 500);
  const headers: Record<string, string> = {};
  // Clients retry a 409 by default, yet the same request can only be refused again.
  if (status === 409) headers['x-should-retry'] = 'false';
  if (details.retryAfterMs !== undefined) headers['retry-after-ms'] = String(details.retryAfterMs);
  const message = error instanceof Error ? error.message : String(error);
  const detail = message.length > longest ? `${message.slice(0, longest)}…` : message;
  return jsonResponse({ detail }, status, headers);
}
