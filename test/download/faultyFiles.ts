import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { listen } from '../transport/testServer.js';

/** What a file server does wrong, request by request; `ok` when the list has ended. */
export type Fault =
  | 'ok'
  /** Sends 90 % of what is left, then the connection ends. */
  | 'break'
  /** As above after no byte at all. */
  | 'reset'
  /** Sends other bytes of the same length. */
  | 'corrupt'
  /** From here on it has another file. */
  | 'change'
  | 403
  | 404
  | 429
  | 503;

export interface FaultyFiles {
  readonly url: string;
  /** The `range` of each request. */
  readonly ranges: (string | undefined)[];
  /** All headers of all requests. */
  readonly requests: IncomingMessage['headers'][];
}

export interface FaultyFilesOptions {
  readonly faults: readonly Fault[];
  /** Whether it sends parts. */
  readonly ranges?: boolean;
  /** Whether it marks versions. */
  readonly etag?: boolean;
  /** Whether it sends hashes, and the length. */
  readonly digest?: boolean;
  readonly length?: boolean;
  /** What it has after `change`. */
  readonly changed?: Uint8Array;
}

/** A server of one file over HTTP that breaks off and lies as it is told. */
export async function faultyFiles(file: Uint8Array, options: FaultyFilesOptions): Promise<FaultyFiles> {
  const { faults, ranges: takesRanges = true, etag = true, digest = true, length = true } = options;
  const left = [...faults];
  const ranges: FaultyFiles['ranges'] = [];
  const requests: FaultyFiles['requests'] = [];
  let content = file;
  const answer = (request: IncomingMessage, reply: ServerResponse): void => {
    const fault = left.shift() ?? 'ok';
    const { range, 'if-range': ifRange } = request.headers;
    ranges.push(range);
    requests.push(request.headers);
    if (typeof fault === 'number') {
      reply.writeHead(fault, { 'retry-after-ms': '1' }).end('{}');
      return;
    }
    if (fault === 'change') content = options.changed ?? file;
    const mark = `"${createHash('sha1').update(content).digest('hex')}"`;
    const isPart = takesRanges && range !== undefined && (ifRange === undefined || ifRange === mark);
    const start = isPart ? Number(/^bytes=(\d+)-$/.exec(range)?.[1]) : 0;
    if (start >= content.length) {
      reply.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
      return;
    }
    const body = content.slice(start);
    reply.writeHead(isPart ? 206 : 200, {
      ...(isPart && { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` }),
      ...(etag && { etag: mark }),
      ...(digest && { 'repr-digest': `sha-256=:${createHash('sha256').update(content).digest('base64')}:` }),
      ...(length && { 'content-length': String(body.length) }),
    });
    if (fault === 'corrupt') body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
    if (fault === 'break' || fault === 'reset') {
      const sent = fault === 'reset' ? 0 : Math.max(1, Math.floor(body.length * 0.9));
      reply.write(body.subarray(0, sent), () => setTimeout(() => reply.destroy(), 5));
      if (sent === 0) reply.flushHeaders();
      return;
    }
    reply.end(body);
  };
  return { url: `${await listen(answer)}/file`, ranges, requests };
}
