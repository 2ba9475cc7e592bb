import { checksum } from './checksum.js';
import type { ServerResponse } from './serverResponse.js';

/**
 * A file, or the part of it that the request's `range` asks for (RFC 9110 §14): one range of bytes.
 *
 * With `if-range` the whole file is sent where it is no longer the one that the part was of.
 */
export function rangeResponse(body: Uint8Array, requested: Readonly<Record<string, string>>): ServerResponse {
  const etag = `"${checksum(body)}-${body.length}"`;
  const headers = { 'content-type': 'application/octet-stream', 'accept-ranges': 'bytes', etag };
  const { range, 'if-range': ifRange } = requested;
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? [];
  if ((first === '' && last === '') || (ifRange !== undefined && ifRange !== etag)) {
    return { status: 200, headers, body };
  }
  const start = first === '' ? Math.max(0, body.length - Number(last)) : Number(first);
  const end = first === '' || last === '' ? body.length : Math.min(Number(last) + 1, body.length);
  if (start >= end) {
    return { status: 416, headers: { ...headers, 'content-range': `bytes */${body.length}` }, body: new Uint8Array() };
  }
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${start}-${end - 1}/${body.length}` },
    body: body.subarray(start, end),
  };
}
