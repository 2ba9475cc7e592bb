import { defer, from, ignoreElements } from 'rxjs';
import { TinkerError } from '../errors.js';
import type { CheckpointEntry, CheckpointLog } from './checkpointLog.js';

/**
 * Keeps the checkpoints of a run in a file, one JSON object a line:
 * `{"name", "batch", "state_path", "sampler_path"}`.
 *
 * A line is flushed to the disk before the append completes; a last line that was cut off by a crash is passed over.
 * Errors: `invalid_config` for a file that can't be read or written.
 *
 * @example
 * ```ts
 * const log = fileCheckpointLog('checkpoints.jsonl');
 * log.read().subscribe((entries) => console.log(entries.at(-1)?.batch ?? 'a new run'));
 * ```
 */
export function fileCheckpointLog(file: string): CheckpointLog {
  return {
    read: () => defer(() => from(readEntries(file))),
    append: (entry) => defer(() => from(appendEntry(file, entry))).pipe(ignoreElements()),
  };
}

async function readEntries(file: string): Promise<CheckpointEntry[]> {
  const { readFile } = await import('node:fs/promises');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if (isMissing(cause)) return [];
    throw unusable(file, cause);
  }
  return text.split('\n').flatMap(readLine);
}

function readLine(line: string): CheckpointEntry[] {
  try {
    const entry = JSON.parse(line) as Readonly<Record<string, unknown>>;
    const { name, batch, state_path: statePath, sampler_path: samplerPath } = entry;
    const complete = typeof name === 'string' && Number.isInteger(batch) && typeof statePath === 'string';
    if (!complete) return [];
    return [{ name, batch: Number(batch), statePath, ...(typeof samplerPath === 'string' && { samplerPath }) }];
  } catch {
    return [];
  }
}

async function appendEntry(file: string, entry: CheckpointEntry): Promise<void> {
  const { open } = await import('node:fs/promises');
  const { name, batch, statePath: state_path, samplerPath: sampler_path } = entry;
  const line = JSON.stringify({ name, batch, state_path, ...(sampler_path !== undefined && { sampler_path }) });
  try {
    const handle = await open(file, 'a+');
    try {
      const { size } = await handle.stat();
      const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1));
      // After a line that a crash cut off, this one stands alone.
      const start = size > 0 && buffer.toString() !== '\n' ? '\n' : '';
      await handle.write(`${start}${line}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw unusable(file, cause);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function unusable(file: string, cause: unknown): TinkerError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new TinkerError('invalid_config', `The checkpoints' file ${file} can't be used: ${why}. Choose another.`, {
    cause,
  });
}
