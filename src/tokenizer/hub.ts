import { Observable, throwError, timeout, type SchedulerLike } from 'rxjs';
import { TinkerError } from '../errors.js';

/** The part of `fetch` in use; `globalThis.fetch` and undici's are such functions. */
export type Fetcher = (
  url: string,
  init: { headers: Record<string, string>; signal: AbortSignal },
) => Promise<{
  readonly ok: boolean;
  readonly status: number;
  /** The whole body. */
  text(): Promise<string>;
}>;

/** The address of a file in a repository of the Hugging Face hub. */
export function hubUrl(endpoint: string, id: string, revision: string, file: string): string {
  return `${endpoint.replace(/\/+$/, '')}/${id}/resolve/${encodeURIComponent(revision)}/${file}`;
}

/**
 * Gets a text over HTTP; one request a subscription, aborted by unsubscribing.
 *
 * Errors with code `tokenizer_unavailable`, retryable unless the server refused; `details.status` is set where it answered.
 */
export function getText(
  url: string,
  options: { token: string | undefined; fetcher: Fetcher; timeoutMs: number; scheduler: SchedulerLike },
): Observable<string> {
  const { token, fetcher, timeoutMs, scheduler } = options;
  return new Observable<string>((subscriber) => {
    const controller = new AbortController();
    fetcher(url, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: controller.signal,
    })
      .then((response) => {
        if (response.ok) return response.text();
        throw refused(response.status);
      })
      .then(
        (text) => {
          subscriber.next(text);
          subscriber.complete();
        },
        (cause: unknown) => subscriber.error(cause instanceof TinkerError ? cause : noAnswer(cause)),
      );
    return () => controller.abort();
  }).pipe(
    timeout({
      first: timeoutMs,
      scheduler,
      with: () => throwError(() => unavailable(`no answer within ${timeoutMs} ms`, { retryable: true })),
    }),
  );
}

function refused(status: number): TinkerError {
  const retryable = status === 408 || status === 429 || status >= 500;
  return unavailable(`HTTP ${status}`, { retryable, details: { status } });
}

function noAnswer(cause: unknown): TinkerError {
  const reasons = [];
  for (let error = cause; error instanceof Error; error = error.cause) reasons.push(error.message);
  return unavailable(`no connection (${reasons.join(': ') || String(cause)})`, { retryable: true, cause });
}

function unavailable(message: string, options: ConstructorParameters<typeof TinkerError>[2]): TinkerError {
  return new TinkerError('tokenizer_unavailable', message, options);
}
