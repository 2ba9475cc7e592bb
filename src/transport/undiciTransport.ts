import { map, merge, Observable, type SchedulerLike, asyncScheduler } from 'rxjs';
import type { Dispatcher } from 'undici';
import { connectionError, hostAndPort, requestTimeout } from './connectionError.js';
import { acceptEncoding, decompress } from './decompress.js';
import { type Connections, openPool } from './openPool.js';
import { RequestTimers } from './requestTimers.js';
import type { Pool, Transport, TransportRequest, TransportResponse } from './transport.js';

/** Where an undici transport connects to and how. */
export interface UndiciTransportOptions {
  /** With the path before `/api/v1`, if there is one. */
  readonly baseUrl: string;
  /** Most connections of a pool; default 64 for sends, 2 for heartbeats and no limit for polls, which are held open. */
  readonly connections?: Partial<Readonly<Record<Pool, number>>>;
  /** Most milliseconds until a connection is made; default 5000. */
  readonly connectTimeoutMs?: number;
  /**
   * URL of a proxy to connect by, '' for none. Default: `HTTPS_PROXY` and `HTTP_PROXY`, unless `NO_PROXY` names the
   * server or it is on this machine.
   */
  readonly proxy?: string;
  /** Time of the requests' timeouts. */
  readonly scheduler?: SchedulerLike;
}

/** HTTP by undici, Node's default: a pool of kept connections for each kind of request; idle ones keep no process alive. */
export function undiciTransport(options: UndiciTransportOptions): Transport {
  const { baseUrl, connections = {}, connectTimeoutMs = 5_000, proxy, scheduler = asyncScheduler } = options;
  const timers = new RequestTimers(scheduler);
  const { origin, pathname } = new URL(baseUrl);
  const prefix = pathname.replace(/\/+$/, '');
  const open = (limit: number | undefined): Connections =>
    openPool(origin, {
      connectTimeoutMs,
      ...(limit !== undefined && { connections: limit }),
      ...(proxy !== undefined && { proxy }),
    });
  const pools: Record<Pool, Connections> = {
    send: open(connections.send ?? 64),
    poll: open(connections.poll),
    heartbeat: open(connections.heartbeat ?? 2),
  };
  return {
    send: (request) => dispatch({ pool: pools[request.pool], origin, prefix, baseUrl, timers }, request),
    close: () => merge(...Object.values(pools).map(closePool)),
  };
}

/** What the requests of one pool share. */
interface Route {
  readonly pool: Connections;
  readonly origin: string;
  readonly prefix: string;
  readonly baseUrl: string;
  readonly timers: RequestTimers;
}

function dispatch(
  { pool, origin, prefix, baseUrl, timers }: Route,
  request: TransportRequest,
): Observable<TransportResponse> {
  return new Observable((subscriber) => {
    let status = 0;
    let headers: Record<string, string> = {};
    const chunks: Uint8Array[] = [];
    let controller: Dispatcher.DispatchController | undefined;
    let isOver = false;
    const finish = timers.start(request.timeoutMs, () => {
      subscriber.error(requestTimeout(hostAndPort(baseUrl), request.path, request.timeoutMs));
    });
    const fail = (error: Error): void => {
      isOver = true;
      subscriber.error(connectionError(baseUrl, error));
    };
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: (started) => {
        controller = started;
        // Nobody waits any more: a request that was still queued is not sent.
        if (subscriber.closed) started.abort(new Error('unsubscribed'));
      },
      onResponseStart: (_, statusCode, received) => {
        status = statusCode;
        headers = flatten(received);
      },
      onResponseData: (_, chunk) => chunks.push(chunk),
      onResponseEnd: () => {
        isOver = true;
        const body = concat(chunks);
        const encoding = headers['content-encoding'];
        if (encoding === undefined) {
          subscriber.next({ status, headers, body });
          subscriber.complete();
        } else {
          const plain$ = decompress(body, encoding).pipe(map((plain) => ({ status, headers, body: plain })));
          subscriber.add(plain$.subscribe(subscriber));
        }
      },
      onResponseError: (_, error) => {
        fail(error);
      },
    };
    pool.dispatch(
      {
        origin,
        method: request.method,
        path: prefix + request.path,
        headers: { 'accept-encoding': acceptEncoding, ...request.headers },
        body: request.body ?? null,
      },
      handler,
      fail,
    );
    return () => {
      finish();
      // An error for its stack alone costs more than the rest of a small request.
      if (!isOver) controller?.abort(new Error('unsubscribed'));
    };
  });
}

function flatten(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (value !== undefined) flat[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return flat;
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
}

function closePool(pool: Connections): Observable<never> {
  return new Observable((subscriber) => {
    pool.close(() => subscriber.complete());
  });
}
