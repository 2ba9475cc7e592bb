import {
  EMPTY,
  NEVER,
  type Observable,
  type SchedulerLike,
  asyncScheduler,
  defer,
  map,
  of,
  throwError,
  timer,
} from 'rxjs';
import { TinkerError } from '../errors.js';
import type { Transport, TransportRequest, TransportResponse } from '../transport/transport.js';
import { loadAll } from './loadAll.js';
import { firstDifference } from './firstDifference.js';
import { type Exchange, contentBytes, readRecording } from './recording.js';
import { bodyOf, requestKey } from './requestKey.js';

/** Time of a replay. */
export interface ReplayOptions {
  /** Each answer comes after the recorded delay on its clock; default: real time. Give the ServiceClient the same. */
  readonly scheduler?: SchedulerLike;
}

/**
 * Answers requests as a session that {@link recordTransport} kept, without a server.
 *
 * A request is found by method, path and body, in whatever order requests come; what was sent several times, like a
 * poll, gets its answers in turn. Heartbeats depend on the clock alone and are always answered. Under virtual time give
 * the ServiceClient `heartbeatIntervalMs: Infinity`: a heartbeat never ends by itself.
 *
 * Errors: `invalid_config` for a file that is no recording; a request that was not recorded fails with `not_recorded`,
 * which says where it differs.
 *
 * @example
 * ```ts
 * const transport = replayTransport('session.jsonl');
 * await using service = new ServiceClient({ baseUrl: 'http://replay.invalid', transport });
 * ```
 */
export function replayTransport(file: string, { scheduler = asyncScheduler }: ReplayOptions = {}): Transport {
  loadAll();
  const exchanges = readRecording(file);
  const unused = new Map<string, Exchange[]>();
  for (const exchange of exchanges) {
    const key = requestKey(exchange.method, exchange.path, exchange.body);
    unused.set(key, [...(unused.get(key) ?? []), exchange]);
  }

  const answer = (request: TransportRequest): Observable<TransportResponse> => {
    const known = unused.get(requestKey(request.method, request.path, bodyOf(request)));
    const exchange = known?.shift();
    if (exchange !== undefined) return play(exchange, scheduler);
    if (request.pool === 'heartbeat') return of({ status: 200, headers: {}, body: contentBytes({ text: '{}' }) });
    return throwError(() => notRecorded(request, file, exchanges, known !== undefined));
  };

  return { send: (request) => defer(() => answer(request)), close: () => EMPTY };
}

function play({ outcome, delayMs }: Exchange, scheduler: SchedulerLike): Observable<TransportResponse> {
  // Nobody waited for it then, so the answer is not known.
  if ('aborted' in outcome) return NEVER;
  return timer(delayMs, scheduler).pipe(
    map(() => {
      if ('error' in outcome) throw new TinkerError(outcome.error.code, outcome.error.message, { retryable: true });
      return { status: outcome.status, headers: outcome.headers, body: contentBytes(outcome.body) };
    }),
  );
}

function notRecorded(
  request: TransportRequest,
  file: string,
  exchanges: readonly Exchange[],
  isUsedUp: boolean,
): TinkerError {
  const endpoint = `${request.method} ${request.path}`;
  const alike = exchanges.filter(({ method, path }) => `${method} ${path}` === endpoint);
  const got = isUsedUp
    ? `${endpoint} more often than it was recorded`
    : alike.length === 0
      ? `${endpoint}, which was not`
      : `${endpoint} with a body that was not: ${firstDifference(
          bodyOf(request),
          alike.map(({ body }) => body),
        )}`;
  return new TinkerError(
    'not_recorded',
    `Expected a request that is recorded in ${file}, got ${got}. Record the session again, or send what was sent then.`,
  );
}
