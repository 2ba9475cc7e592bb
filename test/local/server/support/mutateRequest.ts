import type { ServerRequest } from '../../../../src/local/server/serverRequest.js';
import type { Random } from '../../../../src/transport/random.js';
import { mutate } from '../codec/mutate.js';

/** A request before its body is written. */
export interface PlainRequest {
  readonly method: string;
  /** Below `/api/v1/`. */
  readonly path: string;
  readonly body?: unknown;
  /** Instead of a JSON body. */
  readonly bytes?: Uint8Array;
  readonly contentType?: string;
}

/** Stands for what no JSON writer could write. */
const deep = 'so deep';
const nested = '[{"a":'.repeat(20_000) + '1' + '}]'.repeat(20_000);
const withPrototype = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}') as unknown;

const values: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  0.5,
  1e308,
  2 ** 31,
  2 ** 53,
  '',
  ' ',
  '..',
  '../../../etc/passwd',
  '/etc/passwd',
  'a\0b',
  'CON',
  '\ud800',
  'x'.repeat(30_000),
  [],
  {},
  [[]],
  Array.from({ length: 5000 }, () => 1),
  deep,
  withPrototype,
];
const names = ['__proto__', 'constructor', 'toString', 'type', 'x', 'seq_id', 'session_id', 'path', 'data', ''];
const pathParts = [
  '..',
  '%2e%2e',
  '%00',
  '%',
  '%ff',
  '//',
  '?limit=-1',
  '?limit=1e99&offset=x',
  '#',
  'CON',
  ':',
  'é\n',
  'a'.repeat(9000),
];
const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'get', ''];
const contentTypes = [
  'application/json',
  'application/x-protobuf',
  'text/plain',
  '',
  'application/json; charset=utf-16',
  '*',
];
const encodings = ['zstd', 'gzip', 'identity', 'zstd, zstd', ''];
const accepts = ['application/x-protobuf', '*/*', 'text/html', ''];

/** A request with something wrong about it: method, path, headers, a value of the body or its bytes. */
export function mutateRequest(request: PlainRequest, random: Random): ServerRequest {
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(from: readonly T[], otherwise: T): T => from[below(from.length)] ?? otherwise;
  const headers: Record<string, string> = { 'content-type': request.contentType ?? 'application/json' };
  let { method } = request;
  let path = `/api/v1/${request.path}`;
  let value = request.body;
  if (request.bytes === undefined && below(3) > 0) value = mutateValue(value, below, pick);
  let body = request.bytes ?? (value === undefined ? undefined : encode(value));
  if (body !== undefined && body.length < 5000 && below(3) === 0) body = mutate(body, random);
  if (below(12) === 0) method = pick(methods, '');
  if (below(6) === 0) {
    const at = below(path.length + 1);
    path = path.slice(0, at) + pick(pathParts, '') + path.slice(at + below(4));
  }
  if (below(12) === 0) headers['content-type'] = pick(contentTypes, '');
  if (below(12) === 0) headers['content-encoding'] = pick(encodings, '');
  if (below(12) === 0) headers.accept = pick(accepts, '');
  if (below(30) === 0) body = undefined;
  return { method, path, headers, ...(body !== undefined && { body }) };
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value).replaceAll(JSON.stringify(deep), nested));
}

/** The value with one of its parts replaced, removed or added. */
function mutateValue(
  value: unknown,
  below: (limit: number) => number,
  pick: <T>(from: readonly T[], otherwise: T) => T,
): unknown {
  if (Array.isArray(value) && value.length > 0 && below(4) > 0) {
    const at = below(value.length);
    return value.map((item: unknown, index) => (index === at ? mutateValue(item, below, pick) : item));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return pick(values, null);
  const entries = Object.entries(value);
  const at = below(entries.length);
  const kind = below(8);
  if (kind === 0) return pick(values, null);
  if (kind === 1) return Object.fromEntries(entries.filter((_, index) => index !== at));
  if (kind === 2) return Object.fromEntries([...entries, [pick(names, ''), pick(values, null)]]);
  return Object.fromEntries(
    entries.map(([name, item], index) => [name, index === at ? mutateValue(item, below, pick) : item]),
  );
}
