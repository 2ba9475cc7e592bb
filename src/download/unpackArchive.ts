import { TinkerError } from '../errors.js';
import { checkFileName } from './checkFileName.js';
import { checkSafetensors } from './checkSafetensors.js';
import { diskError } from './diskError.js';
import { readTar } from './readTar.js';
import type { StagedFile } from './stagingFolder.js';

/** Weights hardly get smaller by packing: more than this, beside some room, is meant to fill the disk. */
const mostGrowth = 20;
const room = 64 * 1024 * 1024;
const mostFiles = 10_000;

/**
 * Unpacks a tar archive, gzipped or not, into a folder.
 *
 * @throws TinkerError `invalid_response` for entries that would leave the folder, come twice, or are no files, and for an
 * archive that is damaged or grows more than 20-fold
 */
export async function unpackArchive(archive: string, folder: string): Promise<StagedFile[]> {
  const fs = process.getBuiltinModule('node:fs');
  const paths = process.getBuiltinModule('node:path');
  const { pipeline } = process.getBuiltinModule('node:stream/promises');
  const packed = fs.statSync(archive).size;
  const files: StagedFile[] = [];
  const names = new Set<string>();
  let unpacked = 0;
  for await (const { name, size, content } of readTar(await unzipped(archive))) {
    const parts = checkFileName(name);
    const path = paths.join(folder, ...parts);
    // Some file systems take capitals for small letters.
    if (names.has(path.toLowerCase()) || files.length >= mostFiles) {
      throw new TinkerError(
        'invalid_response',
        `Expected each file of the archive once and ${mostFiles} at most: ${name}.`,
      );
    }
    names.add(path.toLowerCase());
    unpacked += size;
    if (unpacked > mostGrowth * packed + room) {
      throw new TinkerError(
        'invalid_response',
        `Expected an archive of weights, got one that grows to ${unpacked} bytes.`,
      );
    }
    try {
      fs.mkdirSync(paths.dirname(path), { recursive: true });
      await pipeline(content, fs.createWriteStream(path, { flags: 'wx', flush: true }));
    } catch (cause) {
      throw cause instanceof TinkerError ? cause : diskError(folder, cause);
    }
    if (name.endsWith('.safetensors')) await checkUnpacked(path, name);
    files.push({ name: parts.join('/'), path });
  }
  return files;
}

async function checkUnpacked(path: string, name: string): Promise<void> {
  const file = await process.getBuiltinModule('node:fs/promises').open(path);
  try {
    await checkSafetensors(file, name);
  } finally {
    await file.close();
  }
}

async function unzipped(archive: string): Promise<AsyncIterable<Uint8Array>> {
  const fs = process.getBuiltinModule('node:fs');
  const file = await fs.promises.open(archive);
  const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
  await file.close();
  const bytes = fs.createReadStream(archive) as AsyncIterable<Uint8Array>;
  if (buffer[0] !== 0x1f || buffer[1] !== 0x8b) return bytes;
  const { createGunzip } = process.getBuiltinModule('node:zlib');
  const { Readable } = process.getBuiltinModule('node:stream');
  return (async function* () {
    try {
      yield* Readable.from(bytes).pipe(createGunzip()) as AsyncIterable<Uint8Array>;
    } catch (cause) {
      throw new TinkerError('invalid_response', 'Expected a gzipped archive, got bytes that do not decode.', { cause });
    }
  })();
}
