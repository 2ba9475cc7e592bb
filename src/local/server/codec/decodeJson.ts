import { refusal } from '../refusal.js';
import type { ServerRequest } from '../serverRequest.js';

/**
 * Reads a request's body as JSON.
 *
 * @param prepare Changes the text before it is read.
 * @throws TinkerError with status 415 for another content type, 400 for no JSON.
 */
export function decodeJson(request: ServerRequest, prepare = (text: string): string => text): unknown {
  const contentType = request.headers['content-type'] ?? '';
  const encoding = request.headers['content-encoding'] ?? 'identity';
  // A browser may send other types to any address without asking; JSON makes it ask first.
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(contentType)) {
    throw refusal(415, `Expected content-type application/json, got ${JSON.stringify(contentType)}.`);
  }
  if (encoding !== 'identity') throw refusal(415, `Expected a body without content-encoding, got ${encoding}.`);
  try {
    return JSON.parse(prepare(new TextDecoder('utf-8', { fatal: true }).decode(request.body))) as unknown;
  } catch (cause) {
    throw refusal(400, `Expected a JSON body: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
