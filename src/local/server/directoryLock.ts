import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { TinkerError } from '../../errors.js';

/** Who holds a directory, as its lock file says. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process and the machine started, where that can be known: process ids are used again. */
  readonly started: string;
}

/** Directories that this process holds. */
const held = new Set<string>();

/**
 * Makes sure that one server at a time uses a directory, by the file `.lock` in it. The lock of a process that
 * is no more is taken over.
 *
 * @returns What releases the lock.
 * @throws TinkerError `invalid_config` that names the process that holds it.
 */
export async function lockDirectory(root: string): Promise<() => Promise<void>> {
  const file = join(root, '.lock');
  const own = JSON.stringify(await thisProcess());
  if (held.has(root)) throw taken(root, `this process (${process.pid})`, 'Close that server first');
  held.add(root);
  try {
    if (!(await create(file, own))) {
      const text = await readFile(file, 'utf8').catch(() => '');
      await checkStale(root, file, text);
      await takeAway(root, file, text);
      if (!(await create(file, own))) throw taken(root, 'a server that is just starting', 'Try again');
    }
  } catch (error) {
    held.delete(root);
    throw error;
  }
  return async () => {
    await rm(file, { force: true });
    held.delete(root);
  };
}

/** Whether the file could be made. */
async function create(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function checkStale(root: string, file: string, text: string): Promise<void> {
  const remove = `If there is none, remove ${file}`;
  const holder = readHolder(text);
  if (holder === undefined) throw taken(root, 'a server that is just starting', remove);
  if (holder.host !== hostname()) throw taken(root, `process ${holder.pid} of machine ${holder.host}`, remove);
  // Nothing else in this process holds the directory, so the id was used again.
  if (holder.pid === process.pid || !isAlive(holder.pid)) return;
  if (holder.started === (await startOf(holder.pid))) {
    throw taken(root, `process ${holder.pid}`, 'End that server or choose another directory');
  }
}

/** Removes a stale lock, unless another server has taken it over meanwhile. */
async function takeAway(root: string, file: string, stale: string): Promise<void> {
  const aside = `${file}.${process.pid}`;
  await rename(file, aside).catch(() => undefined);
  const text = await readFile(aside, 'utf8').catch(() => stale);
  if (text !== stale) {
    await rename(aside, file);
    throw taken(root, 'a server that is just starting', 'Try again');
  }
  await rm(aside, { force: true });
}

function readHolder(text: string): Holder | undefined {
  try {
    const { pid, host, started } = JSON.parse(text) as Partial<Holder>;
    if (typeof pid === 'number' && typeof host === 'string' && typeof started === 'string')
      return { pid, host, started };
  } catch {
    // Half-written: it says nothing of its holder.
  }
  return undefined;
}

async function thisProcess(): Promise<Holder> {
  return { pid: process.pid, host: hostname(), started: await startOf(process.pid) };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Linux tells the boot and the tick in which a process started; elsewhere the process id must do. */
async function startOf(pid: number): Promise<string> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The program's name, in parentheses, may hold spaces; the start is the 22nd field.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return `${boot.trim()} ${fields[19] ?? ''}`;
  } catch {
    return '';
  }
}

function taken(root: string, by: string, what: string): TinkerError {
  return new TinkerError('invalid_config', `The data directory ${root} is in use by ${by}. ${what}.`);
}
