import type { IncomingMessage, ServerResponse as Reply } from 'node:http';
import { invalidArgument } from '../../errors.js';

/** Headers of an answer. */
export type Headers = Readonly<Record<string, string>>;

/** @throws TinkerError `invalid_argument` for what is no origin, such as a URL with a path. */
export function checkOrigins(origins: readonly string[]): void {
  for (const origin of origins) {
    if (URL.canParse(origin) && new URL(origin).origin === origin) continue;
    throw invalidArgument('allowedOrigins to be origins such as http://localhost:5173', origin);
  }
}

/** What lets the page that asks read the answer, where its origin is allowed (Fetch standard, CORS protocol). */
export function corsHeaders({ headers }: IncomingMessage, allowed: readonly string[]): Headers {
  if (allowed.length === 0) return {};
  const { origin } = headers;
  if (origin === undefined || !allowed.includes(origin)) return { vary: 'origin' };
  return { vary: 'origin', 'access-control-allow-origin': origin, 'access-control-expose-headers': '*' };
}

/** Whether a browser asks if it may send a request of another page's. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}

/** Answers that; without the headers of an allowed origin the browser takes it for a no. */
export function sendPreflight(reply: Reply, cors: Headers): void {
  const asked = reply.req.headers['access-control-request-headers'];
  const allows = {
    'access-control-allow-methods': 'GET, POST, PUT, DELETE',
    ...(asked !== undefined && { 'access-control-allow-headers': asked }),
    'access-control-allow-private-network': 'true',
    'access-control-max-age': '600',
  };
  const isAllowed = 'access-control-allow-origin' in cors;
  reply.writeHead(isAllowed ? 204 : 403, { ...cors, ...(isAllowed && allows), 'content-length': '0' });
  reply.end();
}
