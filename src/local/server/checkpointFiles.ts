import { TinkerError } from '../../errors.js';
import type { AdapterState } from '../engine/engine.js';
import { checkpointManifest, type CheckpointManifest } from './checkpointManifest.js';
import { formatCheckpointPath } from './checkpointPath.js';
import { checksum } from './checksum.js';
import type { ServerLog } from './serverLog.js';
import type { Storage } from './storage.js';

type Part = 'adapter' | 'optimizer';

const parts: readonly Part[] = ['adapter', 'optimizer'];
const fileForm =
  /^(checkpoints\/[^/]+\/(?:weights|sampler_weights)\/[^/]+)\/(?:manifest\.json|(?:adapter|optimizer)-\d+\.safetensors)$/;

/** How a file's bytes are noted in a manifest. */
export function fileMark(bytes: Uint8Array): { bytes: number; checksum: string } {
  return { bytes: bytes.byteLength, checksum: checksum(bytes) };
}

/**
 * The files of checkpoints. A checkpoint's data carry its version in their names and are written first; it exists from
 * the moment its manifest is written, and a new version replaces the old one in that moment.
 */
export class CheckpointFiles {
  readonly #storage: Storage;
  readonly #log: ServerLog;

  constructor(storage: Storage, log: ServerLog) {
    this.#storage = storage;
    this.#log = log;
  }

  /**
   * The checkpoints that are whole. Damaged ones are named in the log and left as they are; what a save that was cut
   * short left is named and removed.
   */
  async open(): Promise<CheckpointManifest[]> {
    const folders = new Map<string, string[]>();
    for (const file of await this.#storage.list()) {
      const folder = fileForm.exec(file)?.[1];
      if (folder !== undefined) folders.set(folder, [...(folders.get(folder) ?? []), file]);
    }
    const whole: CheckpointManifest[] = [];
    for (const [folder, files] of folders) {
      const manifest = await this.#openFolder(folder, files);
      if (manifest !== undefined) whole.push(manifest);
    }
    return whole;
  }

  /** Writes data and manifest. What fails leaves the version before. */
  async write(manifest: CheckpointManifest, state: AdapterState): Promise<void> {
    try {
      await this.#storage.write(dataFile(manifest, 'adapter'), state.adapter);
      if (state.optimizer !== undefined) await this.#storage.write(dataFile(manifest, 'optimizer'), state.optimizer);
      await this.writeManifest(manifest);
    } catch (error) {
      await this.removeData(manifest);
      throw error;
    }
  }

  async writeManifest(manifest: CheckpointManifest): Promise<void> {
    const bytes = new TextEncoder().encode(`${JSON.stringify(manifest, undefined, 2)}\n`);
    await this.#storage.write(`${folderOf(manifest)}/manifest.json`, bytes);
  }

  /** @throws TinkerError `server_error` when the file is not as it was written. */
  async read(manifest: CheckpointManifest, part: Part): Promise<Uint8Array> {
    const file = dataFile(manifest, part);
    const bytes = await this.#storage.read(file);
    const expected = manifest.files[part];
    const got = fileMark(bytes);
    if (got.bytes === expected?.bytes && got.checksum === expected.checksum) return bytes;
    throw new TinkerError(
      'server_error',
      `${file} is damaged: Expected ${expected?.bytes ?? 0} bytes with checksum ${expected?.checksum ?? 'none'}, got ${got.bytes} with ${got.checksum}. Restore it, or load another checkpoint.`,
    );
  }

  /** The manifest goes first: what is left of a removal cut short is no checkpoint. */
  async remove(manifest: CheckpointManifest): Promise<void> {
    await this.#storage.remove(`${folderOf(manifest)}/manifest.json`);
    await this.removeData(manifest);
  }

  /** Removes a version's data. What can't be removed is left for the next start. */
  async removeData(manifest: CheckpointManifest): Promise<void> {
    for (const part of parts) {
      if (manifest.files[part] === undefined) continue;
      const file = dataFile(manifest, part);
      await this.#storage.remove(file).catch((error: unknown) => {
        this.#log('warn', `${file} is no longer needed but could not be removed: ${describeError(error)}`);
      });
    }
  }

  async #openFolder(folder: string, files: readonly string[]): Promise<CheckpointManifest | undefined> {
    const file = `${folder}/manifest.json`;
    if (!files.includes(file)) {
      await this.#removeStray(files);
      return undefined;
    }
    try {
      const text = new TextDecoder().decode(await this.#storage.read(file));
      const manifest = checkpointManifest.parse(JSON.parse(text));
      if (folderOf(manifest) !== folder) throw new TinkerError('server_error', `it is of ${folderOf(manifest)}`);
      const used = parts.filter((part) => manifest.files[part] !== undefined);
      for (const part of used) await this.read(manifest, part);
      const names = new Set([file, ...used.map((part) => dataFile(manifest, part))]);
      await this.#removeStray(files.filter((name) => !names.has(name)));
      return manifest;
    } catch (error) {
      this.#log('warn', `Left out the checkpoint of ${file}, which can't be used: ${describeError(error)}`);
      return undefined;
    }
  }

  async #removeStray(files: readonly string[]): Promise<void> {
    for (const file of files) {
      this.#log('warn', `Removed ${file}, which belongs to no checkpoint: its save or its removal was cut short.`);
      await this.#storage.remove(file);
    }
  }
}

/** The path by which clients know a checkpoint. */
export function pathOf(manifest: CheckpointManifest): string {
  return formatCheckpointPath({ runId: manifest.run_id, kind: manifest.kind, name: manifest.name });
}

function folderOf(manifest: CheckpointManifest): string {
  return `checkpoints/${manifest.run_id}/${manifest.kind}/${manifest.name}`;
}

function dataFile(manifest: CheckpointManifest, part: Part): string {
  return `${folderOf(manifest)}/${part}-${manifest.version}.safetensors`;
}

function describeError(error: unknown): string {
  return error instanceof TinkerError ? error.message : String(error);
}
