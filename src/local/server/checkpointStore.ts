import type { AdapterState, LoraShape } from '../engine/engine.js';
import { BoundedMap } from './boundedMap.js';
import { CheckpointFiles, fileMark, pathOf } from './checkpointFiles.js';
import type { CheckpointManifest } from './checkpointManifest.js';
import { formatCheckpointPath, parseCheckpointPath, type CheckpointPath } from './checkpointPath.js';
import type { Clock } from './clock.js';
import { soleOwner, type Owner } from './owner.js';
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

/** What the views of all owners have in common. */
interface Shared {
  readonly files: CheckpointFiles;
  readonly clock: Clock;
  readonly log: ServerLog;
  readonly manifests: Map<string, CheckpointManifest>;
  /** Paths that an accepted save will write. */
  readonly reserved: Map<string, number>;
  readonly expired: BoundedMap<string, CheckpointManifest>;
  /** Settled when the last piece of work on a path is done. */
  readonly busy: Map<string, Promise<void>>;
}

/** The checkpoints of a storage as one owner sees them. Their manifests are kept in memory. */
export class CheckpointStore {
  readonly #shared: Shared;
  readonly #owner: Owner;

  private constructor(shared: Shared, owner: Owner) {
    this.#shared = shared;
    this.#owner = owner;
  }

  /** Reads what the storage has. */
  static async open(options: { storage: Storage; clock: Clock; log: ServerLog }): Promise<CheckpointStore> {
    const { storage, clock, log } = options;
    const files = new CheckpointFiles(storage, log);
    const manifests = new Map((await files.open()).map((manifest) => [pathOf(manifest), manifest]));
    return new CheckpointStore(
      { files, clock, log, manifests, reserved: new Map(), expired: new BoundedMap(10_000), busy: new Map() },
      soleOwner,
    );
  }

  /** The same checkpoints as another owner sees them: those of its own, and others' that are public, by their path. */
  seenBy(owner: Owner): CheckpointStore {
    return new CheckpointStore(this.#shared, owner);
  }

  /** All of the owner's that have not expired, oldest first. */
  list(runId?: string): CheckpointManifest[] {
    this.#sweep();
    return [...this.#shared.manifests.values()]
      .filter(({ owner, run_id }) => this.#owner.owns(owner) && (runId === undefined || run_id === runId))
      .sort((a, b) => Date.parse(a.time) - Date.parse(b.time));
  }

  /** @throws TinkerError with status 400 for a malformed path, 404 for one that does not exist or has expired. */
  get(path: string): CheckpointManifest {
    parseCheckpointPath(path);
    this.#sweep();
    const manifest = this.#shared.manifests.get(path);
    if (manifest !== undefined && (manifest.public || this.#owner.owns(manifest.owner))) return manifest;
    const expired = this.#shared.expired.get(path);
    throw refusal(
      404,
      expired === undefined || !this.#owner.owns(expired.owner)
        ? `Checkpoint ${path} does not exist on this server. rxtinker checkpoint list, or GET /api/v1/checkpoints, shows those that do.`
        : `Checkpoint ${path} expired at ${expired.expires_at ?? ''} and was removed. Save with a longer ttl_seconds, or without one.`,
    );
  }

  has(path: string): boolean {
    this.#sweep();
    return this.#shared.manifests.has(path);
  }

  /** Whether an accepted save will write this path. */
  isReserved(path: string): boolean {
    return this.#shared.reserved.has(path);
  }

  reserve(path: string): void {
    const { reserved } = this.#shared;
    reserved.set(path, (reserved.get(path) ?? 0) + 1);
  }

  release(path: string): void {
    const { reserved } = this.#shared;
    const count = (reserved.get(path) ?? 0) - 1;
    if (count > 0) reserved.set(path, count);
    else reserved.delete(path);
  }

  /** Writes a checkpoint, replacing one of the same path; what fails leaves that one. */
  async save(checkpoint: NewCheckpoint, state: AdapterState): Promise<CheckpointManifest> {
    const { files, manifests, expired } = this.#shared;
    const path = formatCheckpointPath(checkpoint.path);
    return this.#alone(path, async () => {
      const old = manifests.get(path);
      const manifest = this.#manifestOf(checkpoint, state, (old?.version ?? 0) + 1);
      await files.write(manifest, state);
      manifests.set(path, manifest);
      expired.delete(path);
      if (old !== undefined) await files.removeData(old);
      return manifest;
    });
  }

  /** Reads the weights, and the optimizer's state where it is asked for. */
  async read(path: string, options: { optimizer: boolean }): Promise<AdapterState> {
    return this.#alone(path, async () => {
      const manifest = this.get(path);
      if (options.optimizer && manifest.files.optimizer === undefined) {
        throw refusal(400, `Checkpoint ${path} has no optimizer state. Load it without, or save it by save_weights.`);
      }
      const adapter = await this.#shared.files.read(manifest, 'adapter');
      return options.optimizer
        ? { adapter, optimizer: await this.#shared.files.read(manifest, 'optimizer') }
        : { adapter };
    });
  }

  /** Sets when a checkpoint expires, in seconds from now; null: never. */
  async setTtl(path: string, ttlSeconds: number | null): Promise<void> {
    await this.#change(path, ({ expires_at: _, ...rest }) =>
      ttlSeconds === null ? rest : { ...rest, expires_at: isoTime(this.#shared.clock.now() + ttlSeconds * 1000) },
    );
  }

  async setPublic(path: string, isPublic: boolean): Promise<void> {
    await this.#change(path, (manifest) => ({ ...manifest, public: isPublic }));
  }

  async remove(path: string): Promise<void> {
    await this.#alone(path, async () => {
      await this.#shared.files.remove(this.#own(path));
      this.#shared.manifests.delete(path);
    });
  }

  async #change(path: string, change: (manifest: CheckpointManifest) => CheckpointManifest): Promise<void> {
    await this.#alone(path, async () => {
      const manifest = change(this.#own(path));
      await this.#shared.files.writeManifest(manifest);
      this.#shared.manifests.set(path, manifest);
    });
  }

  /** @throws TinkerError as {@link get}, and with status 403 for another's that is public. */
  #own(path: string): CheckpointManifest {
    const manifest = this.get(path);
    if (this.#owner.owns(manifest.owner)) return manifest;
    throw refusal(403, `Checkpoint ${path} is another's, who made it public: it can be read, not changed.`);
  }

  #manifestOf(checkpoint: NewCheckpoint, state: AdapterState, version: number): CheckpointManifest {
    const { path, lora, ttlSeconds, userMetadata } = checkpoint;
    const now = this.#shared.clock.now();
    return {
      format: 1,
      run_id: path.runId,
      kind: path.kind,
      name: path.name,
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
      version,
      files: {
        adapter: fileMark(state.adapter),
        ...(state.optimizer === undefined ? {} : { optimizer: fileMark(state.optimizer) }),
      },
      ...(this.#owner.id === undefined ? {} : { owner: this.#owner.id }),
      ...(ttlSeconds === undefined ? {} : { expires_at: isoTime(now + ttlSeconds * 1000) }),
      ...(userMetadata === undefined ? {} : { user_metadata: userMetadata }),
    };
  }

  /** Does one thing at a time with the files of a path. */
  async #alone<T>(path: string, work: () => Promise<T>): Promise<T> {
    const { busy } = this.#shared;
    const before = busy.get(path);
    const result = before === undefined ? work() : before.then(work);
    const settled = result.then(ignore, ignore);
    busy.set(path, settled);
    try {
      return await result;
    } finally {
      if (busy.get(path) === settled) busy.delete(path);
    }
  }

  #sweep(): void {
    const { clock, expired, files, log, manifests } = this.#shared;
    const now = clock.now();
    for (const [path, manifest] of manifests) {
      if (manifest.expires_at === undefined || Date.parse(manifest.expires_at) > now) continue;
      manifests.delete(path);
      expired.set(path, manifest);
      // A save of the same name may have been under way.
      this.#alone(path, () => (manifests.has(path) ? files.removeData(manifest) : files.remove(manifest))).catch(
        (error: unknown) => log('error', `The expired checkpoint ${path} could not be removed: ${String(error)}`),
      );
    }
  }
}

function ignore(): void {
  // How it ended is told to who asked for it.
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
