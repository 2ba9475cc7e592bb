import { checksum } from './checksum.js';
import type { ServerRequest } from './serverRequest.js';

/** Tells whether two requests are the same: path, body length and a 64-bit hash of the body. */
export function fingerprint(request: ServerRequest): string {
  const body = request.body ?? new Uint8Array();
  return `${request.path}#${body.length}#${checksum(body)}`;
}
