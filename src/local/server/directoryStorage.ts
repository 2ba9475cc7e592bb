import { mkdir, open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { TinkerError } from '../../errors.js';
import { lockDirectory } from './directoryLock.js';
import type { ServerLog } from './serverLog.js';
import type { Storage } from './storage.js';

const draftForm = /\.\d+-\d+\.tmp$/;

/** Storage in a directory that is held until it is closed. */
export interface DirectoryStorage extends Storage {
  /** Lets another server use the directory. */
  close(): Promise<void>;
}

/**
 * Keeps files in a directory, which it makes if need be. A file is written under a temporary name, flushed to the disk
 * and renamed, so that a crash leaves the old or the new one; what it leaves half-written is removed at the next start.
 *
 * @throws TinkerError `invalid_config` when the directory can't be made or written, or another server uses it.
 */
export async function directoryStorage(
  directory: string,
  { log = () => undefined }: { readonly log?: ServerLog } = {},
): Promise<DirectoryStorage> {
  const root = await openRoot(directory);
  const release = await lockDirectory(root);
  try {
    await removeDrafts(root, log);
  } catch (cause) {
    await release();
    throw cannotUse(root, cause);
  }
  const fileOf = (path: string): string => join(root, ...path.split('/').map(escapeSegment));
  let writes = 0;

  return {
    async list() {
      const files = await filesBelow(root);
      return files.flatMap((file) => {
        const path = pathOf(file.slice(root.length + 1));
        // Files that were not written here have names that no path is escaped to.
        return path !== undefined && fileOf(path) === file ? [path] : [];
      });
    },
    async read(path) {
      const file = fileOf(path);
      try {
        await checkNoLink(file);
        return new Uint8Array(await readFile(file));
      } catch (cause) {
        if (isMissing(cause)) throw new TinkerError('not_found', `Expected a file ${file}.`, { cause });
        throw failed('read', file, cause);
      }
    },
    async write(path, bytes) {
      const file = fileOf(path);
      writes += 1;
      const draft = draftOf(file, writes);
      try {
        await makeDirectory(dirname(file));
        await checkNoLink(dirname(file));
        await writeFlushed(draft, bytes);
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
      const file = fileOf(path);
      try {
        await checkNoLink(dirname(file));
        await rm(file, { force: true });
        await syncDirectory(dirname(file));
      } catch (cause) {
        if (!isMissing(cause)) throw failed('removed', file, cause);
      }
    },
    close: release,
  };
}

/** Only lower-case letters, digits, `_`, `-` and inner dots stay: safe on every file system, case-blind ones too. */
function escapeSegment(segment: string): string {
  const escaped = Array.from(new TextEncoder().encode(segment), (byte) => {
    const character = String.fromCharCode(byte);
    return /[a-z0-9._-]/.test(character) ? character : escapeByte(byte);
  }).join('');
  // Windows knows devices by these names, whatever comes after a dot, and drops a dot at the end.
  return escaped
    .replace(
      /^(?:\.|(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$))/,
      (name) => escapeByte(name.charCodeAt(0)) + name.slice(1),
    )
    .replace(/\.$/, escapeByte(0x2e));
}

function escapeByte(byte: number): string {
  return `%${byte.toString(16).padStart(2, '0')}`;
}

/** The path of a file's name below the directory, or undefined where it is none. */
function pathOf(name: string): string | undefined {
  try {
    return name.split(/[\\/]/).map(decodeURIComponent).join('/');
  } catch {
    return undefined;
  }
}

/** The directory's true path, once it is there and was written to. */
async function openRoot(directory: string): Promise<string> {
  const wanted = resolve(directory);
  try {
    await makeDirectory(wanted);
    const root = await realpath(wanted);
    const draft = draftOf(join(root, '.writable'), 0);
    await writeFlushed(draft, new Uint8Array());
    await rm(draft);
    return root;
  } catch (cause) {
    throw cannotUse(wanted, cause);
  }
}

function draftOf(file: string, count: number): string {
  return `${file}.${process.pid}-${count}.tmp`;
}

/** Nobody else writes here, so all drafts are of servers that ended in mid-write. */
async function removeDrafts(root: string, log: ServerLog): Promise<void> {
  for (const file of await filesBelow(root)) {
    if (!draftForm.test(file)) continue;
    await rm(file, { force: true });
    log('warn', `Removed the half-written file ${file}: the server that wrote it ended before it was saved.`);
  }
}

/** Links are not followed. */
async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** A link in the directory could lead out of it. */
async function checkNoLink(path: string): Promise<void> {
  const real = await realpath(path);
  if (real !== path) throw new Error(`it is a link to ${real}`);
}

async function writeFlushed(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** As `mkdir` with `recursive`, which never ends below /proc. */
async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory);
    // A parent that can't be opened was there before.
    await syncDirectory(dirname(directory)).catch(() => undefined);
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

function cannotUse(directory: string, cause: unknown): TinkerError {
  return new TinkerError(
    'invalid_config',
    `Expected a data directory that can be written, got ${directory} (${reason(cause)}). Choose another or change its permissions.`,
    { cause },
  );
}

function failed(what: string, file: string, cause: unknown): TinkerError {
  return new TinkerError('server_error', `${file} could not be ${what}: ${reason(cause)}.`, { cause });
}

function reason(cause: unknown): string {
  if (cause instanceof TinkerError && cause.cause !== undefined) return reason(cause.cause);
  return cause instanceof Error ? cause.message : String(cause);
}
