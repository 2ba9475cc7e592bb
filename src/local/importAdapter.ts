import path from 'node:path';
import { baseModelOf, type NamedBaseModel } from './baseModelOf.js';
import { readPeftAdapter } from './engine/huggingFace/readPeftAdapter.js';
import { checkCheckpointName, formatCheckpointPath } from './server/checkpointPath.js';
import { CheckpointStore } from './server/checkpointStore.js';
import { cryptoRandom } from './server/cryptoRandom.js';
import { directoryStorage } from './server/directoryStorage.js';
import { ownerOfKey, soleOwner } from './server/owner.js';
import type { ServerLog } from './server/serverLog.js';
import { systemClock } from './server/systemClock.js';

/** What {@link importAdapter} reads and where it writes. */
export interface ImportAdapterOptions extends NamedBaseModel {
  /** Directory with the adapter's `adapter_config.json` and `adapter_model.safetensors`. */
  readonly directory: string;
  /** The server's directory of checkpoints. */
  readonly dataDir: string;
  /** Name of the checkpoint; if missing that of the adapter's directory. */
  readonly name?: string;
  /** The key whose checkpoint it becomes, where the server has several. */
  readonly apiKey?: string;
  readonly log?: ServerLog;
}

/**
 * Makes an adapter of Hugging Face PEFT a checkpoint of the embedded server, to train on from and to sample from.
 *
 * The server's scale is 32 / rank: with another `lora_alpha` or with `use_rslora` B is rescaled, so that the adapter
 * computes the same. Modules of attention or of the MLP that it leaves out are added with a B of zero.
 *
 * Errors: `invalid_config` where a file is missing, the adapter is none that the engine computes (DoRA, modules to save,
 * other modules, shapes of another base model), or a server uses the directory.
 *
 * @returns The checkpoint's path, `tinker://…/weights/…`.
 *
 * @example
 * ```ts no-run
 * const { path } = await importAdapter({ directory: 'my-adapter', baseModel: 'rxtinker/tiny', dataDir: 'checkpoints' });
 * await using service = await localService({ dataDir: 'checkpoints' });
 * const sampling = await service.createSamplingClient({ modelPath: path }).result();
 * ```
 */
export async function importAdapter(options: ImportAdapterOptions): Promise<{ readonly path: string }> {
  const { directory, dataDir, name = nameOf(directory), apiKey, log = () => undefined } = options;
  checkCheckpointName(name);
  const base = baseModelOf(options);
  const { lora, adapter } = readPeftAdapter(directory, base.config);
  const storage = await directoryStorage(dataDir, { log });
  try {
    const all = await CheckpointStore.open({ storage, clock: systemClock, log });
    const checkpoints = all.seenBy(apiKey === undefined ? soleOwner : await ownerOfKey(apiKey, true));
    const checkpoint = { runId: `import-${cryptoRandom.id()}`, kind: 'weights', name } as const;
    await checkpoints.save({ path: checkpoint, baseModel: base.name, lora }, { adapter });
    return { path: formatCheckpointPath(checkpoint) };
  } finally {
    await storage.close();
  }
}

/** The directory's own name, as far as a checkpoint can have it. */
function nameOf(directory: string): string {
  const name = path.basename(path.resolve(directory)).replace(/[^A-Za-z0-9._-]/g, '-');
  return name.replace(/^\.+/, '').slice(0, 80) || 'imported';
}
