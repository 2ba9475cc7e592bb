import { map, merge, Observable, type SchedulerLike, type Subscriber, type Unsubscribable } from 'rxjs';
import type { Dispatcher } from 'undici';
import { backgroundScheduler } from './backgroundScheduler.js';
import { connectionError, hostAndPort, requestTimeout } from './connectionError.js';
import { acceptEncoding, decompress } from './decompress.js';
import { type Connections, type RequestHandler, openPool } from './openPool.js';
import { RequestTimers, type Timed } from './requestTimers.js';
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
  readonly scheduler?: SchedulerLike | undefined;
}

/** HTTP by undici, Node's default: a pool of kept connections for each kind of request; idle ones keep no process alive. */
export function undiciTransport(options: UndiciTransportOptions): Transport {
  const { baseUrl, connections = {}, connectTimeoutMs = 5_000, proxy, scheduler = backgroundScheduler } = options;
  // A request's socket keeps the process alive, so that its timer need not.
  const timers = new RequestTimers(scheduler, scheduler === backgroundScheduler);
  const { origin, pathname } = new URL(baseUrl);
  const prefix = pathname.replace(/\/+$/, '');
  const open = (limit: number | undefined): Route => ({
    ...{ origin, prefix, baseUrl, timers },
    pool: openPool(origin, {
      connectTimeoutMs,
      ...(limit !== undefined && { connections: limit }),
      ...(proxy !== undefined && { proxy }),
    }),
  });
  const routes: Record<Pool, Route> = {
    send: open(connections.send ?? 64),
    poll: open(connections.poll),
    heartbeat: open(connections.heartbeat ?? 2),
  };
  return {
    send: (request) =>
      new Observable((subscriber) => {
        const exchange = new Exchange(subscriber, routes[request.pool], request);
        exchange.begin();
        return exchange;
      }),
    close: () => merge(...Object.values(routes).map(({ pool }) => closePool(pool))),
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

/** One request on its way: what undici tells of it, its time, and its end by who no longer waits. */
class Exchange implements RequestHandler, Timed, Unsubscribable {
  readonly timeoutMs: number;
  private status = 0;
  private headers: Readonly<Record<string, string>> = {};
  private readonly chunks: Uint8Array[] = [];
  private controller: Dispatcher.DispatchController | undefined;
  private isOver = false;

  constructor(
    private readonly subscriber: Subscriber<TransportResponse>,
    private readonly route: Route,
    private readonly request: TransportRequest,
  ) {
    this.timeoutMs = request.timeoutMs;
  }

  begin(): void {
    const { route, request } = this;
    const { method, path, headers, body = null } = request;
    route.timers.start(this);
    const options = { origin: route.origin, method, path: route.prefix + path, headers: pairs(headers), body };
    route.pool.dispatch(options, this);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    // Nobody waits any more: a request that was still queued is not sent.
    if (this.subscriber.closed) controller.abort(new Error('unsubscribed'));
  }

  onResponseStart(_: unknown, status: number, headers: Received): void {
    this.status = status;
    this.headers = flatten(headers);
  }

  onResponseData(_: unknown, chunk: Uint8Array): void {
    this.chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.isOver = true;
    const { subscriber, status, headers } = this;
    const body = concat(this.chunks);
    const encoding = headers['content-encoding'];
    if (encoding === undefined) {
      subscriber.next({ status, headers, body });
      subscriber.complete();
    } else {
      const plain$ = decompress(body, encoding).pipe(map((plain) => ({ status, headers, body: plain })));
      subscriber.add(plain$.subscribe(subscriber));
    }
  }

  onResponseError(_: unknown, error: Error): void {
    this.fail(error);
  }

  fail(error: Error): void {
    this.isOver = true;
    const { baseUrl, pool } = this.route;
    this.subscriber.error(connectionError(baseUrl, error, pool.proxy));
  }

  late(): void {
    const { request, route } = this;
    this.subscriber.error(requestTimeout(hostAndPort(route.baseUrl), request.path, request.timeoutMs));
  }

  unsubscribe(): void {
    this.route.timers.stop(this);
    // An error for its stack alone costs more than the rest of a small request.
    if (!this.isOver) this.controller?.abort(new Error('unsubscribed'));
  }
}

/** Names and values in turn, which undici reads faster than an object. */
function pairs(headers: Readonly<Record<string, string>>): string[] {
  const list: string[] = 'accept-encoding' in headers ? [] : ['accept-encoding', acceptEncoding];
  for (const name of Object.keys(headers)) list.push(name, headers[name] ?? '');
  return list;
}

type Received = Readonly<Record<string, string | string[] | undefined>>;

/** Headers that a server repeats become one; most answers have none, and their headers stay as they are. */
function flatten(headers: Received): Readonly<Record<string, string>> {
  if (isFlat(headers)) return headers;
  const flat: Record<string, string> = {};
  for (const [name, value = []] of Object.entries(headers)) {
    flat[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return flat;
}

function isFlat(headers: Received): headers is Readonly<Record<string, string>> {
  for (const name of Object.keys(headers)) if (typeof headers[name] !== 'string') return false;
  return true;
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
