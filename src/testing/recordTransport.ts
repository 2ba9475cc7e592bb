import { appendFileSync, writeFileSync } from 'node:fs';
import { type Observable, type SchedulerLike, asyncScheduler, defer, tap } from 'rxjs';
import { resolveConfig } from '../config.js';
import { TinkerError } from '../errors.js';
import type { Transport, TransportRequest, TransportResponse } from '../transport/transport.js';
import { undiciTransport } from '../transport/undiciTransport.js';
import { loadAll } from './loadAll.js';
import { type Exchange, recordingHeader, toContent } from './recording.js';
import { secretRemover } from './removeSecrets.js';
import { bodyOf } from './requestKey.js';

/** Headers of answers that the client reads; the others are not recorded. */
const keptHeaders = new Set([
  'content-type',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  'x-deprecation-note',
  'x-deprecation-level',
]);

/**
 * Carries requests by another transport and writes each with its answer and the time that took into a file, a line
 * each, for {@link replayTransport}.
 *
 * Data and results are in the file. Headers of requests are not, nor is any secret that a header or a field held: API
 * key, access tokens. An existing file is replaced. Errors: `invalid_config` for a file that can't be written.
 *
 * @param transport default: HTTP to the server of `TINKER_BASE_URL`, else to the hosted service
 * @example
 * ```ts
 * const transport = recordTransport('session.jsonl', undiciTransport({ baseUrl }));
 * await using service = new ServiceClient({ baseUrl, transport });
 * ```
 */
export function recordTransport(
  file: string,
  transport: Transport = undiciTransport({ baseUrl: resolveConfig().baseUrl }),
  { scheduler = asyncScheduler }: { readonly scheduler?: SchedulerLike } = {},
): Transport {
  loadAll();
  const secrets = secretRemover();
  let requests = 0;
  start(file);

  const write = (exchange: Exchange): void => {
    appendFileSync(file, `${JSON.stringify(exchange)}\n`);
  };

  const record = (request: TransportRequest): Observable<TransportResponse> => {
    const index = requests++;
    const sentAt = scheduler.now();
    secrets.learn(request.headers);
    // A body may be reused once it was sent.
    const body = clean(bodyOf(request), secrets.remove);
    let done = false;
    const end = (outcome: Exchange['outcome']): void => {
      if (done) return;
      done = true;
      const delayMs = Math.max(0, Math.round(scheduler.now() - sentAt));
      const path = secrets.remove(request.path);
      write({ index, method: request.method, path, ...(body !== undefined && { body }), delayMs, outcome });
    };
    return transport.send(request).pipe(
      tap({
        next: (response) => end(answered(response, secrets.remove)),
        error: (error: unknown) => end(failed(error, secrets.remove)),
        unsubscribe: () => end({ aborted: true }),
      }),
    );
  };

  return {
    send: (request) => defer(() => record(request)),
    close: () => transport.close(),
  };
}

function start(file: string): void {
  try {
    writeFileSync(file, `${JSON.stringify(recordingHeader)}\n`);
  } catch (cause) {
    throw new TinkerError('invalid_config', `Expected to write a recording to ${file}, got ${String(cause)}.`, {
      cause,
    });
  }
}

function answered({ status, headers, body }: TransportResponse, remove: (text: string) => string): Exchange['outcome'] {
  const kept = Object.entries(headers).filter(([name]) => keptHeaders.has(name));
  return {
    status,
    headers: Object.fromEntries(kept.map(([name, value]) => [name, remove(value)])),
    body: clean(toContent(body, headers['content-type']), remove),
  };
}

function failed(error: unknown, remove: (text: string) => string): Exchange['outcome'] {
  const code = error instanceof TinkerError && error.code === 'request_timeout' ? error.code : 'connection_failed';
  return { error: { code, message: remove(error instanceof Error ? error.message : String(error)) } };
}

function clean<T extends Exchange['body']>(content: T, remove: (text: string) => string): T {
  return content !== undefined && 'text' in content ? { ...content, text: remove(content.text) } : content;
}
