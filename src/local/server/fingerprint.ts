import type { ServerRequest } from './serverRequest.js';

/**
 * Tells whether two requests are the same: path, body length and a 64-bit hash of the body (two rounds of FNV-1a over
 * words of four bytes).
 */
export function fingerprint(request: ServerRequest): string {
  const body = request.body ?? new Uint8Array();
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const words = body.length & ~3;
  let low = 0x811c9dc5;
  let high = 0x01000193;
  const take = (word: number): void => {
    low = Math.imul(low ^ word, 0x01000193);
    high = Math.imul(high ^ word, 0x85ebca6b);
    high ^= high >>> 15;
  };
  for (let at = 0; at < words; at += 4) take(view.getInt32(at, true));
  for (const byte of body.subarray(words)) take(byte);
  return `${request.path}#${body.length}#${(low >>> 0).toString(16)}-${(high >>> 0).toString(16)}`;
}
