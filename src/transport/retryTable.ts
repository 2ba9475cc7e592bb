import type { TinkerError } from '../errors.js';
import type { Random } from './random.js';

/** Whether to send again, and when. A pause is a wait that the server asked for: it does not count against a deadline. */
export type RetryDecision =
  { readonly retry: false } | { readonly retry: true; readonly delayMs: number; readonly pause?: boolean };

/** Wait after a 402 (billing), in milliseconds. */
const BILLING_PAUSE = 5_000;

/** True for the statuses after which the same request may succeed, unless `x-should-retry` says otherwise. */
export function isRetryableStatus(status: number): boolean {
  return status === 402 || status === 408 || status === 409 || status === 429 || status >= 500;
}

/**
 * The one table of what is sent again.
 *
 * | error | wait |
 * |---|---|
 * | not `retryable` | none: it is final |
 * | 402 | 5 s, a pause |
 * | 429 | as below, a pause |
 * | connection and timeout, 408, 409, 5xx | what the server asks for, else min(0.5 · 2ⁿ, 10) s · (1 − 0.25 · random) |
 *
 * @param attempt retries so far: 0 at the first failure
 */
export function decideRetry(error: TinkerError, attempt: number, random: Random): RetryDecision {
  if (!error.retryable) return { retry: false };
  const { status, retryAfterMs } = error.details;
  if (status === 402) return { retry: true, delayMs: retryAfterMs ?? BILLING_PAUSE, pause: true };
  const delayMs = retryAfterMs ?? Math.min(500 * 2 ** attempt, 10_000) * (1 - 0.25 * random());
  return status === 429 ? { retry: true, delayMs, pause: true } : { retry: true, delayMs };
}

/**
 * True when the server surely did not take the request, so that its seq_id is free again: any 4xx but 408, 409 and 429.
 *
 * A 400 without a body says nothing about the request, so it is not one.
 */
export function isDefiniteRefusal(error: TinkerError): boolean {
  // A replay has no server that could have taken it.
  if (error.code === 'not_recorded') return true;
  const { status } = error.details;
  if (status === undefined || error.code === 'connection_failed') return false;
  return status >= 400 && status < 500 && status !== 408 && status !== 409 && status !== 429;
}
