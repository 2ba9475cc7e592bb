/** Longest wait that a server may ask for, in milliseconds; a longer one is not obeyed. */
const LONGEST_WAIT = 60_000;

/** Milliseconds that `retry-after-ms` or `retry-after` (in seconds) ask for; `undefined` if neither does in (0, 60 s]. */
export function retryAfterMs(headers: Readonly<Record<string, string>>): number | undefined {
  // Most answers have neither.
  if (!('retry-after-ms' in headers) && !('retry-after' in headers)) return undefined;
  const waits = [Number(headers['retry-after-ms']), Number(headers['retry-after']) * 1000];
  return waits.find((wait) => wait > 0 && wait <= LONGEST_WAIT);
}
