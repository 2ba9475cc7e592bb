import { TinkerError } from '../errors.js';

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name could not be looked up',
  ECONNRESET: 'the connection was reset before the answer was complete',
  EPIPE: 'the connection was closed while sending',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'the host is not reachable',
  ENETUNREACH: 'the network is not reachable',
  UND_ERR_SOCKET: 'the connection was closed before the answer was complete',
  UND_ERR_CONNECT_TIMEOUT: 'no connection was made in time',
  UND_ERR_CLOSED: 'the transport was closed',
  UND_ERR_DESTROYED: 'the transport was closed',
};

/**
 * Makes the error of a connection that could not be made or broke; its message says where and why.
 *
 * @param proxy host and port of the one that was to connect, if any
 */
export function connectionError(baseUrl: string, cause: unknown, proxy?: string): TinkerError {
  const code = codeOf(cause);
  const known = code === undefined ? undefined : reasons[code];
  const text = cause instanceof Error ? cause.message : String(cause);
  const why = known === undefined ? text : `${known} (${code ?? ''})`;
  const where = hostAndPort(baseUrl) + (proxy === undefined ? '' : ` by the proxy ${proxy}`);
  return new TinkerError('connection_failed', `Could not reach ${where}: ${why}.`, {
    retryable: code !== 'UND_ERR_CLOSED' && code !== 'UND_ERR_DESTROYED',
    cause,
  });
}

/** Makes the error of a request without a complete answer in time. */
export function requestTimeout(where: string, path: string, timeoutMs: number): TinkerError {
  return new TinkerError(
    'request_timeout',
    `No complete answer of ${path} from ${where} within ${timeoutMs / 1000} s.`,
    { retryable: true },
  );
}

/** Where a URL points, e.g. `127.0.0.1:8000`. */
export function hostAndPort(baseUrl: string): string {
  const { hostname, port, protocol } = new URL(baseUrl);
  return `${hostname}:${port === '' ? (protocol === 'https:' ? '443' : '80') : port}`;
}

/** A fetch keeps the socket's error, the one with a code, as the cause of its own. */
function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return 'cause' in error ? codeOf(error.cause) : undefined;
}
