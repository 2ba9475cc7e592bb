import { TinkerError, type TinkerErrorCode } from '../../errors.js';

const codes: Readonly<Record<number, TinkerErrorCode>> = {
  400: 'bad_request',
  401: 'unauthenticated',
  403: 'permission_denied',
  404: 'not_found',
  405: 'bad_request',
  409: 'conflict',
  410: 'promise_expired',
  413: 'bad_request',
  415: 'bad_request',
  422: 'bad_request',
  429: 'rate_limited',
  503: 'server_error',
};

/** Makes the error that becomes an answer of this status with `{ detail }` as its body; nothing was executed. */
export function refusal(status: number, detail: string, options: { retryAfterMs?: number } = {}): TinkerError {
  return new TinkerError(codes[status] ?? 'server_error', detail, {
    retryable: status === 429 || status === 503,
    details: { status, ...(options.retryAfterMs === undefined ? {} : { retryAfterMs: options.retryAfterMs }) },
  });
}
