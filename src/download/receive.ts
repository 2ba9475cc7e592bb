import type { FileHandle } from 'node:fs/promises';
import { TinkerError } from '../errors.js';
import { httpError } from '../transport/httpError.js';
import { checkSafetensors } from './checkSafetensors.js';
import { type ContentDigest, contentDigest, hasDigest } from './contentDigest.js';
import { diskError } from './diskError.js';
import type { OpenUrl, OpenedUrl } from './openUrl.js';

/** A file that is being received, and what is known of it. */
export interface PartialFile {
  /** Its name on the server. */
  readonly name: string;
  /** Where its bytes are collected. */
  readonly path: string;
  /** Where its version is remembered, for another process. */
  readonly versionPath: string;
  /** The server's mark of this version, if it gave one. */
  version?: string;
  totalBytes?: number;
  digest?: ContentDigest;
}

/** How far a file is. */
export interface Received {
  readonly receivedBytes: number;
  readonly totalBytes?: number;
}

/**
 * Receives a file, or the rest of it where its version is still the same; the answer's bytes go to the disk as they come.
 *
 * Errors: `connection_failed` (retryable) when it breaks off, those of a status, `invalid_config` of the disk.
 */
export async function receive(
  part: PartialFile,
  url: string,
  open: OpenUrl,
  emit: (received: Received) => void,
  signal: AbortSignal,
): Promise<void> {
  const fs = process.getBuiltinModule('node:fs/promises');
  await onDisk(part.path, () => fs.mkdir(parentOf(part.path), { recursive: true }));
  await onDisk(part.versionPath, () => fs.mkdir(parentOf(part.versionPath), { recursive: true }));
  const file = await onDisk(part.path, async () => {
    const { O_CREAT, O_RDWR } = fs.constants;
    return fs.open(part.path, O_CREAT | O_RDWR, 0o644);
  });
  try {
    const known = part.version ?? (await fs.readFile(part.versionPath, 'utf8').catch(() => undefined));
    if (known !== undefined) part.version = known;
    const { size } = await file.stat();
    const resumes = size > 0 && (part.version !== undefined || part.totalBytes !== undefined);
    const response = await open(
      url,
      {
        // Packed bytes could not be counted on from the middle.
        'accept-encoding': 'identity',
        ...(resumes && { range: `bytes=${size}-` }),
        ...(resumes && part.version !== undefined && { 'if-range': part.version }),
      },
      signal,
    );
    const from = await startOf(part, url, response, resumes ? size : 0);
    if (from === undefined) return;
    if (from === 0) {
      await file.truncate(0);
      await remember(part, response.headers);
    }
    let position = from;
    for await (const chunk of response.body) {
      await onDisk(part.path, () => writeAt(file, chunk, position));
      position += chunk.length;
      emit({ receivedBytes: position, ...(part.totalBytes !== undefined && { totalBytes: part.totalBytes }) });
    }
    if (part.totalBytes !== undefined && position !== part.totalBytes) {
      throw brokeOff(part, url, `after ${position} of ${part.totalBytes} bytes`);
    }
    await onDisk(part.path, () => file.sync());
  } finally {
    await file.close();
  }
}

/** Checks a file that is whole. @throws TinkerError `invalid_response`; then the bytes are thrown away */
export async function checkReceived(part: PartialFile): Promise<void> {
  const fs = process.getBuiltinModule('node:fs/promises');
  const file = await onDisk(part.path, () => fs.open(part.path, 'r'));
  try {
    if (part.digest !== undefined && !(await hasDigest(file, part.digest))) {
      const { algorithm } = part.digest;
      throw new TinkerError(
        'invalid_response',
        `${part.name} does not have the ${algorithm} hash that the server gives.`,
      );
    }
    if (part.name.endsWith('.safetensors')) await checkSafetensors(file, part.name);
  } catch (error) {
    await forget(part);
    throw error;
  } finally {
    await file.close();
  }
}

/** From which byte on the answer is; undefined where everything is there already. */
async function startOf(
  part: PartialFile,
  url: string,
  { status, headers }: OpenedUrl,
  size: number,
): Promise<number | undefined> {
  const [, start, total] = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? [];
  const totalBytes = total === undefined || total === '*' ? undefined : Number(total);
  if (status === 200) {
    const length = headers['content-length'];
    if (length === undefined) delete part.totalBytes;
    else part.totalBytes = Number(length);
    return 0;
  }
  if (status === 416 && size > 0 && totalBytes === size) return undefined;
  if (status === 206 || status === 416) {
    const isSame = part.totalBytes === undefined || totalBytes === undefined || part.totalBytes === totalBytes;
    if (status === 206 && Number(start) === size && isSame) {
      if (totalBytes !== undefined) part.totalBytes = totalBytes;
      const digest = contentDigest(headers);
      if (digest !== undefined) part.digest = digest;
      return size;
    }
    await forget(part);
    throw brokeOff(part, url, `and the server has another file now (${headers['content-range'] ?? 'no range'})`);
  }
  throw httpError(`GET ${placeOf(url)}`, { status, headers, body: new Uint8Array() });
}

async function remember(part: PartialFile, headers: Readonly<Record<string, string>>): Promise<void> {
  const fs = process.getBuiltinModule('node:fs/promises');
  const { etag } = headers;
  delete part.digest;
  const digest = contentDigest(headers);
  if (digest !== undefined) part.digest = digest;
  // A weak mark says that files mean the same, not that their bytes are the same.
  if (etag?.startsWith('"') === true) {
    part.version = etag;
    await onDisk(part.versionPath, () => fs.writeFile(part.versionPath, etag));
  } else {
    delete part.version;
    await fs.rm(part.versionPath, { force: true });
  }
}

/** Throws away what was received. */
async function forget(part: PartialFile): Promise<void> {
  const fs = process.getBuiltinModule('node:fs/promises');
  delete part.version;
  delete part.totalBytes;
  delete part.digest;
  await fs.rm(part.versionPath, { force: true });
  await fs.rm(part.path, { force: true });
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

/** A signed URL without what signs it. */
function placeOf(url: string): string {
  return url.replace(/[?#].*$/s, '');
}

function brokeOff(part: PartialFile, url: string, how: string): TinkerError {
  return new TinkerError('connection_failed', `The download of ${part.name} from ${placeOf(url)} broke off ${how}.`, {
    retryable: true,
  });
}

function parentOf(path: string): string {
  return process.getBuiltinModule('node:path').dirname(path);
}

async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw diskError(parentOf(path), cause);
  }
}
