import { tap } from 'rxjs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse as Reply } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TinkerError } from '../../errors.js';
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
}

/** A server that listens. */
export interface Listening {
  /** For example `http://127.0.0.1:41234`. */
  readonly url: string;
  /** Stops listening, answers what is held and closes the connections; the server itself is the caller's to close. */
  close(): Promise<void>;
}

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|::1|\[::1\])$/;

/**
 * Serves HTTP/1.1 on a socket.
 *
 * @throws TinkerError `invalid_config` when the port is taken, the host is unknown, or a host that others can reach is
 * asked for without a key.
 */
export async function listen(server: Server, options: ListenOptions = {}): Promise<Listening> {
  const { host = '127.0.0.1', port = 0, keepAlive = true } = options;
  if (!loopback.test(host) && !server.needsKey) {
    throw new TinkerError(
      'invalid_config',
      `Expected a loopback host such as 127.0.0.1 for a server without an API key, got ${host}. Others could reach it: give it a key.`,
    );
  }
  // Requests are answered by hand, with an explicit length, so that clients can tell an empty answer from a broken one.
  const http = createHttpServer({ keepAliveTimeout: 75_000 }, (request, reply) => {
    answer(server, request, reply);
  });
  http.on('clientError', (error, socket) => {
    const body = JSON.stringify({ detail: `Expected an HTTP/1.1 request: ${error.message}` });
    if (!socket.writable) return;
    socket.end(
      `HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  });
  if (!keepAlive) http.on('connection', (socket) => socket.unref());
  await new Promise<void>((resolve, reject) => {
    http.once('error', (cause) => {
      reject(cannotListen(host, port, cause));
    });
    http.listen(port, host, resolve);
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

function answer(server: Server, request: IncomingMessage, reply: Reply): void {
  const chunks: Buffer[] = [];
  let size = 0;
  const rejection = checkHead(server, request);
  if (rejection !== undefined) {
    send(reply, errorResponse(rejection), true);
    return;
  }
  request.on('data', (chunk: Buffer) => {
    size += chunk.byteLength;
    if (size <= server.bodyBytes) chunks.push(chunk);
    else if (!reply.headersSent) send(reply, errorResponse(tooLarge(server)), true);
  });
  request.on('end', () => {
    if (reply.headersSent) return;
    const subscription = server
      .handle({
        method: request.method ?? 'GET',
        path: request.url ?? '/',
        headers: headersOf(request),
        ...(size === 0 ? {} : { body: Buffer.concat(chunks, size) }),
      })
      .pipe(tap((response) => send(reply, response, false)))
      .subscribe();
    reply.on('close', () => {
      subscription.unsubscribe();
    });
  });
}

/** What can be refused before the body is there. */
function checkHead(server: Server, request: IncomingMessage): TinkerError | undefined {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '');
  // Without a key, a web page whose name was pointed at this machine must not get in.
  if (!server.needsKey && !loopback.test(host)) {
    return refusal(403, `Expected a request to this machine, got one to ${JSON.stringify(host)}.`);
  }
  return Number(request.headers['content-length'] ?? 0) > server.bodyBytes ? tooLarge(server) : undefined;
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

function send(reply: Reply, { status, headers, body }: ServerResponse, close: boolean): void {
  reply.writeHead(status, {
    ...headers,
    'content-length': String(body.byteLength),
    ...(close ? { connection: 'close' } : {}),
  });
  reply.end(body);
}

function cannotListen(host: string, port: number, cause: Error): TinkerError {
  const code = 'code' in cause ? cause.code : undefined;
  const what =
    code === 'EADDRINUSE'
      ? `port ${port} of ${host} is in use. Choose another, or 0 for any free one`
      : `${host}:${port} can't be listened on (${cause.message}). Choose another host or port`;
  return new TinkerError('invalid_config', `Expected a free port, but ${what}.`, { cause });
}
