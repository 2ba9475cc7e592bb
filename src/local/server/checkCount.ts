import { refusal } from './refusal.js';

/** @throws TinkerError with status 429 when there are already as many as there may be. */
export function checkCount(what: string, existing: { readonly size: number }, limit: number): void {
  if (existing.size < limit) return;
  throw refusal(429, `There are ${existing.size} ${what}; the limit is ${limit}. End some that are no longer used.`, {
    retryAfterMs: 5000,
  });
}
