import type { ServerRequest } from './serverRequest.js';

/** Tells whether two requests are the same: path, body length and a 64-bit hash of the body (two rounds of FNV-1a). */
export function fingerprint(request: ServerRequest): string {
  const body = request.body ?? new Uint8Array();
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (const byte of body) {
    low = Math.imul(low ^ byte, 0x01000193);
    high = Math.imul(high ^ byte, 0x85ebca6b);
    high ^= high >>> 15;
  }
  return `${request.path}#${body.length}#${(low >>> 0).toString(16)}${(high >>> 0).toString(16)}`;
}
