import { tap } from 'rxjs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse as Reply } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TinkerError } from '../../errors.js';
import { checkOrigins, corsHeaders, type Headers, isPreflight, sendPreflight } from './cors.js';
import { errorResponse } from './errorResponse.js';
import { refusal } from './refusal.js';
import type { Server } from './server.js';
import type { ServerResponse } from './serverResponse.js';

/** Where to listen. */
export interface ListenOptions {
  /** Default `127.0.0.1`. Others than loopback need a server with a key. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Whether listening keeps the process alive. Default true. */
  readonly keepAlive?: boolean;
  /** How long a client may take to send its headers, in milliseconds. Default 20,000. */
  readonly headersMs?: number;
  /** Connections at a time; more are closed at once. Default 10,000. */
  readonly maxConnections?: number;
  /** Bytes of all bodies that are being received; more are refused with 429. Default 512 MiB. */
  readonly receivedBytes?: number;
  /** Origins of web pages that may use the server, e.g. `http://localhost:5173`. Default: none. */
  readonly allowedOrigins?: readonly string[];
}

/** A server that listens. */
export interface Listening {
  /** For example `http://127.0.0.1:41234`. */
  readonly url: string;
  /** Stops listening, answers what is held and closes the connections; the server itself is the caller's to close. */
  close(): Promise<void>;
}

/** A client sends its headers, and all of a request, in this time; idle connections end a while after. */
const headersMs = 20_000;
const requestMs = 300_000;
const idleMs = 75_000;
const headerBytes = 16 * 1024;
/** Each poll that is held takes one. */
const maxConnections = 10_000;
/** Bytes of all bodies that are being received. */
const receivedBytes = 512 * 1024 * 1024;

/** Answers to what never became a request, by Node's error codes. */
const clientFaults: Readonly<Record<string, readonly [string, string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', `Expected headers of at most ${headerBytes} bytes.`],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'Expected the whole request sooner.'],
};

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|::1|\[::1\])$/;

/**
 * Serves HTTP/1.1 on a socket.
 *
 * @throws TinkerError `invalid_config` when the port is taken, the host is unknown, or a host that others can reach is
 * asked for without a key.
 */
export async function listen(server: Server, options: ListenOptions = {}): Promise<Listening> {
  const { host = '127.0.0.1', port = 0, keepAlive = true, allowedOrigins = [] } = options;
  checkOrigins(allowedOrigins);
  if (!loopback.test(host) && !server.needsKey) {
    throw new TinkerError(
      'invalid_config',
      `Expected a loopback host such as 127.0.0.1 for a server without an API key, got ${host}. Others could reach it: give it a key.`,
    );
  }
  // Requests are answered by hand, with an explicit length, so that clients can tell an empty answer from a broken one.
  const receiving = { bytes: 0, limit: options.receivedBytes ?? receivedBytes };
  const timeouts = {
    headersTimeout: options.headersMs ?? headersMs,
    requestTimeout: requestMs,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: Math.min(options.headersMs ?? headersMs, 5000),
  };
  const http = createHttpServer({ ...timeouts, maxHeaderSize: headerBytes }, (request, reply) => {
    if (isPreflight(request)) sendPreflight(reply, corsHeaders(request, allowedOrigins));
    else answer(server, request, reply, receiving, corsHeaders(request, allowedOrigins));
  });
  http.maxConnections = options.maxConnections ?? maxConnections;
  http.on('clientError', (error, socket) => {
    if (!socket.writable) return;
    const [status, detail] = clientFaults[('code' in error && String(error.code)) || ''] ?? [
      '400 Bad Request',
      `Expected an HTTP/1.1 request: ${error.message}`,
    ];
    const body = JSON.stringify({ detail });
    socket.end(
      `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  });
  if (!keepAlive) http.on('connection', (socket) => socket.unref());
  await new Promise<void>((resolve, reject) => {
    const refuse = (cause: unknown): void => {
      reject(cannotListen(host, port, cause));
    };
    http.once('error', refuse);
    try {
      http.listen(port, host, resolve);
    } catch (cause) {
      refuse(cause);
    }
  });
  if (!keepAlive) http.unref();
  const { address, port: actual } = http.address() as AddressInfo;
  return {
    url: `http://${address.includes(':') ? `[${address}]` : address}:${actual}`,
    close: () =>
      new Promise((resolve) => {
        http.close(() => {
          resolve();
        });
        http.closeIdleConnections();
        setImmediate(() => {
          http.closeAllConnections();
        });
      }),
  };
}

/** How much of bodies is in memory that are not whole yet. */
interface Receiving {
  bytes: number;
  readonly limit: number;
}

function answer(server: Server, request: IncomingMessage, reply: Reply, receiving: Receiving, cors: Headers): void {
  const headers = headersOf(request);
  const chunks: Buffer[] = [];
  let size = 0;
  const forget = (): void => {
    receiving.bytes -= size;
    size = 0;
    chunks.length = 0;
  };
  const refuse = (rejection: TinkerError): void => {
    forget();
    if (!reply.headersSent) send(reply, errorResponse(rejection), { ...cors, connection: 'close' });
  };
  const rejection = checkHead(server, request, headers);
  if (rejection !== undefined) {
    refuse(rejection);
    return;
  }
  request.on('data', (chunk: Buffer) => {
    if (reply.headersSent) return;
    size += chunk.byteLength;
    receiving.bytes += chunk.byteLength;
    chunks.push(chunk);
    if (size > server.bodyBytes) refuse(tooLarge(server));
    else if (receiving.bytes > receiving.limit) refuse(tooBusy(receiving));
  });
  request.on('close', forget);
  request.on('end', () => {
    if (reply.headersSent) return;
    const body = size === 0 ? undefined : Buffer.concat(chunks, size);
    forget();
    const subscription = server
      .handle({
        method: request.method ?? 'GET',
        path: request.url ?? '/',
        headers,
        ...(body !== undefined && { body }),
      })
      .pipe(tap((response) => send(reply, response, cors)))
      .subscribe();
    reply.on('close', () => {
      subscription.unsubscribe();
    });
  });
}

/** What can be refused before the body is there. */
function checkHead(
  server: Server,
  request: IncomingMessage,
  headers: Readonly<Record<string, string>>,
): TinkerError | undefined {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '');
  // Without a key, a web page whose name was pointed at this machine must not get in.
  if (!server.needsKey && !loopback.test(host)) {
    return refusal(403, `Expected a request to this machine, got one to ${JSON.stringify(host)}.`);
  }
  const { method = 'GET', url: path = '/' } = request;
  if (!server.admits({ method, path, headers }))
    return refusal(401, 'Expected an API key of this server in the header X-API-Key.');
  return Number(request.headers['content-length'] ?? 0) > server.bodyBytes ? tooLarge(server) : undefined;
}

function tooBusy({ limit }: Receiving): TinkerError {
  return refusal(429, `Requests of more than ${limit} bytes are being received. Send this again a little later.`, {
    retryAfterMs: 500,
  });
}

function tooLarge(server: Server): TinkerError {
  return refusal(413, `Expected a body of at most ${server.bodyBytes} bytes. Send fewer examples at a time.`);
}

function headersOf(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
}

function send(reply: Reply, { status, headers, body }: ServerResponse, more: Headers): void {
  reply.writeHead(status, {
    ...headers,
    'content-length': String(body.byteLength),
    ...more,
  });
  reply.end(body);
}

function cannotListen(host: string, port: number, cause: unknown): TinkerError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const what =
    code === 'EADDRINUSE'
      ? `port ${port} of ${host} is in use. Choose another, or 0 for any free one`
      : `${host}:${port} can't be listened on (${message}). Choose another host or port`;
  return new TinkerError('invalid_config', `Expected a free port, but ${what}.`, { cause });
}
