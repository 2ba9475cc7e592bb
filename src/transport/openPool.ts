import type { Dispatcher, EnvHttpProxyAgent } from 'undici';
// What opens connections loads in a third of the time that all of undici takes.
import Pool from 'undici/lib/dispatcher/pool.js';
import { TinkerError } from '../errors.js';
import { hostAndPort } from './connectionError.js';

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
  /** Host and port of the proxy, where there is one. */
  readonly proxy?: string;
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
    return byProxy({ ...settings, httpProxy: proxy, httpsProxy: proxy, noProxy: '' }, hostAndPort(proxy));
  }
  const fromEnvironment = proxy === undefined && !isLoopback(origin) ? proxyOfEnvironment(origin) : undefined;
  if (fromEnvironment === undefined) return new Pool(origin, settings);
  const { no_proxy, NO_PROXY } = process.env;
  const exceptions = (no_proxy ?? NO_PROXY ?? '') === '' ? '' : ', unless NO_PROXY names the server';
  return byProxy(settings, `${hostAndPort(fromEnvironment)}${exceptions}`);
}

/** Connections by a proxy, which are rarer: the rest of undici is loaded for them, and requests wait for it. */
function byProxy(settings: EnvHttpProxyAgent.Options, proxy: string): Connections {
  const agent = import('undici').then((undici) => new undici.EnvHttpProxyAgent(settings));
  // Each request tells of it.
  agent.catch(() => undefined);
  return {
    proxy,
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

/** The proxy that the environment names for a server. */
function proxyOfEnvironment(origin: string): string | undefined {
  const { http_proxy, HTTP_PROXY, https_proxy, HTTPS_PROXY } = process.env;
  const [plain = '', secure = ''] = [http_proxy ?? HTTP_PROXY, https_proxy ?? HTTPS_PROXY];
  for (const proxy of [plain, secure]) if (proxy !== '') checkProxy(proxy);
  const proxy = origin.startsWith('https:') && secure !== '' ? secure : plain;
  return proxy === '' ? undefined : proxy;
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
