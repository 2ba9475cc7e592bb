import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new folder for what a test writes, and how it is taken away. */
export async function workFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'rxtinker-cli-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
