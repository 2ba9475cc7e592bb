import { TinkerError, type TinkerErrorCode, type TinkerErrorDetails } from '../errors.js';
import { errorMessage } from '../wire/errorMessage.js';
import { retryAfterMs } from './retryAfter.js';
import { isRetryableStatus } from './retryTable.js';
import type { TransportResponse } from './transport.js';

/**
 * Makes the error of an answer that is no success: code by status, message from the body.
 *
 * A 400 without a body stands for a connection that was reset on the way, and reads as `connection_failed`.
 *
 * @param endpoint method and path, for the message
 */
export function httpError(endpoint: string, response: TransportResponse): TinkerError {
  const { status, headers, body } = response;
  const wait = retryAfterMs(headers);
  const details: TinkerErrorDetails = { status, ...(wait === undefined ? {} : { retryAfterMs: wait }) };
  if (status === 400 && body.length === 0) {
    return new TinkerError(
      'connection_failed',
      `${endpoint} was answered 400 without a body, as by a reset connection.`,
      {
        retryable: readShouldRetry(headers) ?? true,
        details,
      },
    );
  }
  const said = errorMessage(body);
  const message = `${endpoint} was answered ${status}${said === '' ? '.' : `: ${said}`}${hint(status)}`;
  return new TinkerError(codeOf(status), message, {
    retryable: readShouldRetry(headers) ?? isRetryableStatus(status),
    details,
  });
}

function readShouldRetry(headers: Readonly<Record<string, string>>): boolean | undefined {
  const header = headers['x-should-retry'];
  return header === 'true' ? true : header === 'false' ? false : undefined;
}

function codeOf(status: number): TinkerErrorCode {
  switch (status) {
    case 401:
      return 'unauthenticated';
    case 402:
      return 'payment_required';
    case 403:
      return 'permission_denied';
    case 404:
    case 405:
      return 'not_found';
    case 408:
      return 'request_timeout';
    case 409:
      return 'conflict';
    case 410:
      return 'promise_expired';
    case 429:
      return 'rate_limited';
    default:
      return status >= 500 ? 'server_error' : status >= 400 ? 'bad_request' : 'invalid_response';
  }
}

function hint(status: number): string {
  if (status === 401) return ' Check TINKER_API_KEY or { apiKey }.';
  if (status >= 300 && status < 400) return ' Redirects are not followed: check TINKER_BASE_URL or { baseUrl }.';
  return '';
}
