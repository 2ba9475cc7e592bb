import { TinkerError } from '../../errors.js';
import type { AdapterState, LoraShape } from '../engine/engine.js';
import { BoundedMap } from './boundedMap.js';
import { checkpointManifest, type CheckpointManifest } from './checkpointManifest.js';
import { formatCheckpointPath, parseCheckpointPath, type CheckpointPath } from './checkpointPath.js';
import type { Clock } from './clock.js';
import { refusal } from './refusal.js';
import type { ServerLog } from './serverLog.js';
import type { Storage } from './storage.js';

/** What is to be saved beside the weights. */
export interface NewCheckpoint {
  readonly path: CheckpointPath;
  readonly baseModel: string;
  readonly lora: LoraShape;
  readonly ttlSeconds?: number;
  readonly userMetadata?: Readonly<Record<string, unknown>>;
}

/**
 * The checkpoints of a storage. Their manifests are kept in memory; a checkpoint exists from the moment its manifest
 * is written, and a new version replaces the old one in that moment.
 */
export class CheckpointStore {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #log: ServerLog;
  readonly #manifests = new Map<string, CheckpointManifest>();
  /** Paths that an accepted save will write. */
  readonly #reserved = new Map<string, number>();
  readonly #expired = new BoundedMap<string, string>(10_000);

  private constructor(options: { storage: Storage; clock: Clock; log: ServerLog }) {
    this.#storage = options.storage;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** Reads what the storage has. */
  static async open(options: { storage: Storage; clock: Clock; log: ServerLog }): Promise<CheckpointStore> {
    const store = new CheckpointStore(options);
    const files = (await options.storage.list()).filter((file) => /^checkpoints\/.+\/manifest\.json$/.test(file));
    for (const file of files) {
      try {
        const text = new TextDecoder().decode(await options.storage.read(file));
        const manifest = checkpointManifest.parse(JSON.parse(text));
        store.#manifests.set(pathOf(manifest), manifest);
      } catch (error) {
        options.log('warn', `Left out a checkpoint whose ${file} can't be read: ${String(error)}`);
      }
    }
    return store;
  }

  /** All that have not expired, oldest first. */
  list(runId?: string): CheckpointManifest[] {
    this.#sweep();
    return [...this.#manifests.values()]
      .filter((manifest) => runId === undefined || manifest.run_id === runId)
      .sort((a, b) => Date.parse(a.time) - Date.parse(b.time));
  }

  /** @throws TinkerError with status 400 for a malformed path, 404 for one that does not exist or has expired. */
  get(path: string): CheckpointManifest {
    parseCheckpointPath(path);
    this.#sweep();
    const manifest = this.#manifests.get(path);
    if (manifest !== undefined) return manifest;
    const expired = this.#expired.get(path);
    throw refusal(
      404,
      expired === undefined
        ? `Checkpoint ${path} does not exist on this server. GET /api/v1/checkpoints lists those that do.`
        : `Checkpoint ${path} expired at ${expired} and was removed. Save with a longer ttl_seconds, or without one.`,
    );
  }

  has(path: string): boolean {
    this.#sweep();
    return this.#manifests.has(path);
  }

  /** Whether an accepted save will write this path. */
  isReserved(path: string): boolean {
    return this.#reserved.has(path);
  }

  reserve(path: string): void {
    this.#reserved.set(path, (this.#reserved.get(path) ?? 0) + 1);
  }

  release(path: string): void {
    const count = (this.#reserved.get(path) ?? 0) - 1;
    if (count > 0) this.#reserved.set(path, count);
    else this.#reserved.delete(path);
  }

  /** Writes a checkpoint, replacing one of the same path. */
  async save(checkpoint: NewCheckpoint, state: AdapterState): Promise<CheckpointManifest> {
    const path = formatCheckpointPath(checkpoint.path);
    const old = this.#manifests.get(path);
    const { lora } = checkpoint;
    const now = this.#clock.now();
    const manifest: CheckpointManifest = {
      format: 1,
      run_id: checkpoint.path.runId,
      kind: checkpoint.path.kind,
      name: checkpoint.path.name,
      base_model: checkpoint.baseModel,
      lora: {
        rank: lora.rank,
        seed: lora.seed,
        train_attn: lora.trainAttention,
        train_mlp: lora.trainMlp,
        train_unembed: lora.trainUnembedding,
      },
      time: isoTime(now),
      size_bytes: state.adapter.byteLength + (state.optimizer?.byteLength ?? 0),
      public: false,
      version: (old?.version ?? 0) + 1,
      optimizer: state.optimizer !== undefined,
      ...(checkpoint.ttlSeconds === undefined ? {} : { expires_at: isoTime(now + checkpoint.ttlSeconds * 1000) }),
      ...(checkpoint.userMetadata === undefined ? {} : { user_metadata: checkpoint.userMetadata }),
    };
    await this.#storage.write(fileOf(manifest, 'adapter'), state.adapter);
    if (state.optimizer !== undefined) await this.#storage.write(fileOf(manifest, 'optimizer'), state.optimizer);
    await this.#writeManifest(manifest);
    this.#expired.delete(path);
    if (old !== undefined) await this.#removeData(old);
    return manifest;
  }

  /** Reads the weights, and the optimizer's state where it is asked for. */
  async read(path: string, options: { optimizer: boolean }): Promise<AdapterState> {
    const manifest = this.get(path);
    if (options.optimizer && !manifest.optimizer) {
      throw refusal(400, `Checkpoint ${path} has no optimizer state. Load it without, or save it by save_weights.`);
    }
    const adapter = await this.#storage.read(fileOf(manifest, 'adapter'));
    if (!options.optimizer) return { adapter };
    return { adapter, optimizer: await this.#storage.read(fileOf(manifest, 'optimizer')) };
  }

  /** Sets when a checkpoint expires, in seconds from now; null: never. */
  async setTtl(path: string, ttlSeconds: number | null): Promise<void> {
    const { expires_at: _, ...rest } = this.get(path);
    await this.#writeManifest(
      ttlSeconds === null ? rest : { ...rest, expires_at: isoTime(this.#clock.now() + ttlSeconds * 1000) },
    );
  }

  async setPublic(path: string, isPublic: boolean): Promise<void> {
    await this.#writeManifest({ ...this.get(path), public: isPublic });
  }

  async remove(path: string): Promise<void> {
    await this.#forget(this.get(path));
  }

  async #writeManifest(manifest: CheckpointManifest): Promise<void> {
    const bytes = new TextEncoder().encode(`${JSON.stringify(manifest, undefined, 2)}\n`);
    await this.#storage.write(`${folderOf(manifest)}/manifest.json`, bytes);
    this.#manifests.set(pathOf(manifest), manifest);
  }

  /** The manifest goes first: what is left of a removal cut short is no checkpoint. */
  async #forget(manifest: CheckpointManifest): Promise<void> {
    this.#manifests.delete(pathOf(manifest));
    await this.#storage.remove(`${folderOf(manifest)}/manifest.json`);
    await this.#removeData(manifest);
  }

  async #removeData(manifest: CheckpointManifest): Promise<void> {
    await this.#storage.remove(fileOf(manifest, 'adapter'));
    if (manifest.optimizer) await this.#storage.remove(fileOf(manifest, 'optimizer'));
  }

  #sweep(): void {
    const now = this.#clock.now();
    for (const [path, manifest] of this.#manifests) {
      const expiresAt = manifest.expires_at;
      if (expiresAt === undefined || Date.parse(expiresAt) > now) continue;
      this.#expired.set(path, expiresAt);
      this.#forget(manifest).catch((error: unknown) => {
        this.#log('error', `The expired checkpoint ${path} could not be removed: ${describeError(error)}`);
      });
    }
  }
}

function pathOf(manifest: CheckpointManifest): string {
  return formatCheckpointPath({ runId: manifest.run_id, kind: manifest.kind, name: manifest.name });
}

function folderOf(manifest: CheckpointManifest): string {
  return `checkpoints/${manifest.run_id}/${manifest.kind}/${manifest.name}`;
}

function fileOf(manifest: CheckpointManifest, part: 'adapter' | 'optimizer'): string {
  return `${folderOf(manifest)}/${part}-${manifest.version}.safetensors`;
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function describeError(error: unknown): string {
  return error instanceof TinkerError ? error.message : String(error);
}
