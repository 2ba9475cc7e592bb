import type { Dispatcher, EnvHttpProxyAgent } from 'undici';
// What opens connections loads in a third of the time that all of undici takes.
import Pool from 'undici/lib/dispatcher/pool.js';
import { TinkerError } from '../errors.js';

/** How the connections of a pool are made. */
export interface PoolSettings {
  /** Most connections; no limit if missing. */
  readonly connections?: number;
  /** Most milliseconds until a connection is made. */
  readonly connectTimeoutMs: number;
  /** URL of a proxy, '' for none; if missing, what the environment says. */
  readonly proxy?: string;
}

/** What is told of one request. */
export interface RequestHandler extends Dispatcher.DispatchHandler {
  /** Told why the request could not even be handed over. */
  fail(error: Error): void;
}

/** What requests need of a dispatcher. */
export interface Connections {
  dispatch(options: Dispatcher.DispatchOptions, handler: RequestHandler): unknown;
  close(done: () => void): void;
}

/** Opens kept connections to one server, directly or by a proxy. */
export function openPool(origin: string, { connections, connectTimeoutMs, proxy }: PoolSettings): Connections {
  const settings = {
    ...(connections !== undefined && { connections }),
    connect: { timeout: connectTimeoutMs },
    // Requests have a clock of their own, which covers both.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  if (proxy !== undefined && proxy !== '') {
    checkProxy(proxy);
    return byProxy({ ...settings, httpProxy: proxy, httpsProxy: proxy, noProxy: '' });
  }
  if (proxy === undefined && !isLoopback(origin) && environmentHasProxy()) return byProxy(settings);
  return new Pool(origin, settings);
}

/** Connections by a proxy, which are rarer: the rest of undici is loaded for them, and requests wait for it. */
function byProxy(settings: EnvHttpProxyAgent.Options): Connections {
  const agent = import('undici').then((undici) => new undici.EnvHttpProxyAgent(settings));
  // Each request tells of it.
  agent.catch(() => undefined);
  return {
    dispatch: (options, handler) =>
      agent
        .then((opened) => opened.dispatch(options, handler))
        .catch((error: unknown) => {
          handler.fail(error instanceof Error ? error : new Error(String(error)));
        }),
    close: (done) => {
      agent.then((opened) => {
        opened.close(done);
      }, done);
    },
  };
}

function environmentHasProxy(): boolean {
  const { http_proxy, HTTP_PROXY, https_proxy, HTTPS_PROXY } = process.env;
  const proxies = [http_proxy ?? HTTP_PROXY, https_proxy ?? HTTPS_PROXY].filter((proxy) => proxy ?? '');
  for (const proxy of proxies) checkProxy(proxy ?? '');
  return proxies.length > 0;
}

/** What runs on this machine is never behind a proxy of the environment. */
function isLoopback(origin: string): boolean {
  const { hostname } = new URL(origin);
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}

function checkProxy(proxy: string): void {
  if (URL.canParse(proxy) && /^https?:$/.test(new URL(proxy).protocol)) return;
  // A proxy's URL may hold a password, so it is not shown.
  throw new TinkerError(
    'invalid_config',
    'Expected the URL of a proxy to begin with http:// or https://. Correct the option proxy, HTTP_PROXY or HTTPS_PROXY.',
  );
}
