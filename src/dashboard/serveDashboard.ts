/// <reference lib="esnext.disposable" preserve="true" />
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type Observable,
  type SchedulerLike,
  type Subscription,
  asyncScheduler,
  bufferTime,
  defer,
  filter,
  interval,
  map,
  merge,
  of,
  tap,
} from 'rxjs';
import type { ServiceClient } from '../clients/service.js';
import { TinkerError, invalidArgument } from '../errors.js';
import type { DashboardSource } from './dashboardSource.js';
import { EventHub } from './eventHub.js';
import type { DashboardEvent } from './page/dashboardEvent.js';
import { type PageFile, readPageFiles } from './pageFiles.js';
import { refusalOf } from './refusalOf.js';
import { serviceSource } from './serviceSource.js';

/** What a dashboard shows, and where. */
export interface DashboardOptions {
  /** What to follow: {@link fileSource}, {@link clientSource}, or streams of your own. */
  readonly sources?: readonly DashboardSource[];
  /** Every TrainingClient that it makes from now on is followed. */
  readonly service?: ServiceClient;
  /** Default 0: any free port. It is only ever listened to on this machine. */
  readonly port?: number;
  /** Whether the dashboard keeps the process alive; default false. */
  readonly keepAlive?: boolean;
  /** What the page says to do while there is nothing to show. */
  readonly hint?: string;
  /** Default `asyncScheduler`. */
  readonly scheduler?: SchedulerLike;
}

/** A dashboard that is served. */
export interface Dashboard extends AsyncDisposable {
  /** For example `http://127.0.0.1:41234/`. */
  readonly url: string;
  /** Stops following and serving. */
  close(): Promise<void>;
}

/** Nothing from elsewhere, no inline script, in no frame. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const commonHeaders = {
  'content-security-policy': policy,
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

/** Changes are sent to the page together, so often. */
const flushMs = 100;
/** So that both sides notice a broken connection. */
const pingMs = 10_000;
/** Bytes that a page may lag behind; then it has to start anew. */
const mostUnsent = 64 * 1024 * 1024;

/**
 * Serves a page that follows runs as they train, to browsers on this machine only.
 *
 * Errors: `invalid_argument` where there is nothing to follow, `invalid_config` for a port in use.
 *
 * @example
 * ```ts
 * await using dashboard = await serveDashboard({ service });
 * console.log(`Watch it on ${dashboard.url}`);
 * ```
 */
export async function serveDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { sources = [], service, port = 0, keepAlive = false, hint = '', scheduler = asyncScheduler } = options;
  const followed = [...sources, ...(service === undefined ? [] : [serviceSource(service)])];
  if (followed.length === 0) throw invalidArgument('at least one source, or a service', followed);
  const files = readPageFiles();
  const hub = new EventHub(followed);
  const pages = new Set<ServerResponse>();
  const http = createServer((request, response) => {
    answer(request, response);
  });
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const refusal = refusalOf(request);
    const path = (request.url ?? '/').replace(/\?.*$/, '');
    if (refusal !== undefined) sendText(response, refusal.status, refusal.why);
    else if (path === '/events') follow(request, response);
    else if (path === '/hint') sendText(response, 200, hint);
    else sendFile(response, request.method, files.get(path));
  };
  const follow = (request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(200, { ...commonHeaders, 'content-type': 'text/event-stream' });
    pages.add(response);
    const sending: Subscription = messages(hub, scheduler)
      .pipe(
        tap((message) => {
          response.write(message);
          if (response.writableLength > mostUnsent) response.destroy();
        }),
      )
      .subscribe();
    request.on('close', () => {
      pages.delete(response);
      sending.unsubscribe();
    });
  };
  await new Promise<void>((resolve, reject) => {
    const refuse = (cause: unknown): void => {
      reject(cannotListen(port, cause));
    };
    http.once('error', refuse);
    try {
      http.listen(port, '127.0.0.1', resolve);
    } catch (cause) {
      refuse(cause);
    }
  });
  if (!keepAlive) {
    http.unref();
    http.on('connection', (socket) => socket.unref());
  }
  const following = hub.follow();
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closing ??= new Promise((resolve) => {
      following.unsubscribe();
      for (const page of pages) page.end();
      http.close(() => {
        resolve();
      });
      http.closeAllConnections();
    }));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/`,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Everything so far, then what happens, as Server-Sent Events: https://html.spec.whatwg.org/multipage/server-sent-events.html. */
function messages(hub: EventHub, scheduler: SchedulerLike): Observable<string> {
  const changes$ = hub.events$.pipe(
    bufferTime(flushMs, scheduler),
    filter((events) => events.length > 0),
    map((events) => message('change', events)),
  );
  const pings$ = interval(pingMs, scheduler).pipe(map(() => message('ping', [])));
  return defer(() => merge(changes$, pings$, of(message('start', []), ...historyMessages(hub))));
}

/** Messages of about equal size; a history can be of many megabytes. */
function historyMessages(hub: EventHub): string[] {
  return [...hub.history()].map((event) => message('change', [event]));
}

function message(name: string, events: readonly DashboardEvent[]): string {
  return `event: ${name}\ndata: ${JSON.stringify(events)}\n\n`;
}

function sendFile(response: ServerResponse, method: string | undefined, file: PageFile | undefined): void {
  if (file === undefined) {
    sendText(response, 404, 'Expected a file of the dashboard; the page itself is at /.');
    return;
  }
  response.writeHead(200, { ...commonHeaders, 'content-type': file.type, 'content-length': file.body.byteLength });
  response.end(method === 'HEAD' ? undefined : file.body);
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...commonHeaders, 'content-type': 'text/plain; charset=utf-8' });
  response.end(text);
}

function cannotListen(port: number, cause: unknown): TinkerError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const what = code === 'EADDRINUSE' ? `port ${port} is in use` : `port ${port} can't be listened on (${message})`;
  return new TinkerError(
    'invalid_config',
    `Expected a free port for the dashboard, but ${what}. Choose another, or 0 for any free one.`,
    { cause },
  );
}
