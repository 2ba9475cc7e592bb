import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { TinkerError } from '../../errors.js';
import type { Storage } from './storage.js';

const temporary = '.tmp';

/**
 * Keeps files in a directory, which it makes if need be. A file is written under a temporary name, flushed to the disk
 * and renamed, so that a crash leaves the old or the new one.
 *
 * @throws TinkerError `invalid_config` when the directory can't be made or written.
 */
export async function directoryStorage(directory: string): Promise<Storage> {
  const root = resolve(directory);
  const fileOf = (path: string): string => join(root, ...path.split('/').map(escapeSegment));
  let writes = 0;

  const storage: Storage = {
    async list() {
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile() && !entry.name.endsWith(temporary))
        .map((entry) =>
          join(entry.parentPath, entry.name)
            .slice(root.length + 1)
            .split(/[\\/]/)
            .map(decodeURIComponent)
            .join('/'),
        );
    },
    async read(path) {
      try {
        return new Uint8Array(await readFile(fileOf(path)));
      } catch (cause) {
        if (isMissing(cause)) throw new TinkerError('not_found', `Expected a file ${fileOf(path)}.`, { cause });
        throw failed('read', fileOf(path), cause);
      }
    },
    async write(path, bytes) {
      const file = fileOf(path);
      writes += 1;
      const draft = `${file}.${process.pid}-${writes}${temporary}`;
      try {
        await makeDirectory(dirname(file));
        const handle = await open(draft, 'w');
        try {
          await handle.writeFile(bytes);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await rename(draft, file);
        // A new folder is an entry of its parent, which must reach the disk too.
        for (let folder = dirname(file); folder.length >= root.length; folder = dirname(folder))
          await syncDirectory(folder);
      } catch (cause) {
        await rm(draft, { force: true }).catch(() => undefined);
        throw failed('written', file, cause);
      }
    },
    async remove(path) {
      try {
        await rm(fileOf(path), { force: true });
      } catch (cause) {
        throw failed('removed', fileOf(path), cause);
      }
    },
  };

  try {
    await makeDirectory(root);
    await storage.write('.writable', new Uint8Array());
    await storage.remove('.writable');
  } catch (cause) {
    throw new TinkerError(
      'invalid_config',
      `Expected a data directory that can be written, got ${root} (${reason(cause)}). Choose another or change its permissions.`,
      { cause },
    );
  }
  return storage;
}

/** Only lower-case letters, digits, `_`, `-` and inner dots stay: safe on every file system, case-blind ones too. */
function escapeSegment(segment: string): string {
  const escaped = Array.from(new TextEncoder().encode(segment), (byte) => {
    const character = String.fromCharCode(byte);
    return /[a-z0-9._-]/.test(character) ? character : `%${byte.toString(16).padStart(2, '0')}`;
  }).join('');
  return escaped.startsWith('.') ? `%2e${escaped.slice(1)}` : escaped;
}

/** As `mkdir` with `recursive`, which never ends below /proc. */
async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory);
  } catch (error) {
    if (isMissing(error) && dirname(directory) !== directory && !(await isDirectory(dirname(directory)))) {
      await makeDirectory(dirname(directory));
      await makeDirectory(directory);
    } else if (!(await isDirectory(directory))) {
      throw error;
    }
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function syncDirectory(directory: string): Promise<void> {
  // Windows can't open directories; there the rename itself is all that can be had.
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function failed(what: string, file: string, cause: unknown): TinkerError {
  return new TinkerError('server_error', `${file} could not be ${what}: ${reason(cause)}.`, { cause });
}

function reason(cause: unknown): string {
  if (cause instanceof TinkerError && cause.cause !== undefined) return reason(cause.cause);
  return cause instanceof Error ? cause.message : String(cause);
}
