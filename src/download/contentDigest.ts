import type { FileHandle } from 'node:fs/promises';

/** A hash that the server gives of a whole file, in base64. */
export interface ContentDigest {
  readonly algorithm: 'sha256' | 'sha512' | 'md5';
  readonly base64: string;
}

/**
 * The hash that an answer's headers give of the whole file: `repr-digest` (RFC 9530), or those of the large stores,
 * `x-amz-checksum-sha256` (not of a file uploaded in parts, which ends with their number) and `x-goog-hash`.
 */
export function contentDigest(headers: Readonly<Record<string, string>>): ContentDigest | undefined {
  const standard = /\b(sha-256|sha-512)=:([\w+/=]+):/.exec(headers['repr-digest'] ?? '');
  if (standard?.[2] !== undefined) {
    return { algorithm: standard[1] === 'sha-256' ? 'sha256' : 'sha512', base64: standard[2] };
  }
  const amazon = headers['x-amz-checksum-sha256'];
  if (amazon !== undefined && !/-\d+$/.test(amazon)) return { algorithm: 'sha256', base64: amazon };
  const google = /\bmd5=([\w+/=]+)/.exec(headers['x-goog-hash'] ?? '')?.[1];
  return google === undefined ? undefined : { algorithm: 'md5', base64: google };
}

/** Whether a file has that hash. */
export async function hasDigest(file: FileHandle, { algorithm, base64 }: ContentDigest): Promise<boolean> {
  const hash = process.getBuiltinModule('node:crypto').createHash(algorithm);
  const stream = file.createReadStream({ start: 0, autoClose: false }) as AsyncIterable<Uint8Array>;
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest('base64') === base64;
}
