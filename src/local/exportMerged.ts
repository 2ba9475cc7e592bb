import { TinkerError } from '../errors.js';
import { baseModelOf, type NamedBaseModel } from './baseModelOf.js';
import { readPeftAdapter } from './engine/huggingFace/readPeftAdapter.js';
import { writeMerged } from './engine/huggingFace/writeMerged.js';

/** What {@link exportMerged} reads and where it writes. */
export interface ExportMergedOptions extends NamedBaseModel {
  /** Directory with the adapter's `adapter_config.json` and `adapter_model.safetensors`, as downloads give them. */
  readonly directory: string;
  /** Directory to write, empty or not there yet. */
  readonly output: string;
}

/**
 * Writes a base model with an adapter merged into its weights as a Hugging Face checkpoint: `model.safetensors` in
 * float32, `config.json` and the tokenizer's files. Any program that reads the base model reads it.
 *
 * Where the base model's unembedding is its embedding and the adapter changes it, the checkpoint has both.
 *
 * Errors: `invalid_config` where a file is missing, the adapter is none that the engine computes or of another base
 * model, or the output holds something.
 *
 * @example
 * ```ts no-run
 * const baseModels = { 'my/model': 'models/my-model' };
 * await exportMerged({ directory: 'my-adapter', baseModel: 'my/model', baseModels, output: 'merged' });
 * const server = await startLocalServer({ baseModels: { 'my/merged': 'merged' } });
 * ```
 */
export async function exportMerged(options: ExportMergedOptions): Promise<void> {
  const { config, name, weights } = baseModelOf(options);
  if (weights.kind !== 'huggingFace')
    throw new TinkerError(
      'invalid_config',
      `Expected a base model with files to merge into, got ${name}, whose weights are drawn when it is loaded.`,
    );
  await writeMerged(weights.directory, config, readPeftAdapter(options.directory, config), options.output);
}
