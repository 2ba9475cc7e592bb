import { describe, TinkerError } from '../errors.js';
import type { BaseModel } from './engine/baseModel.js';
import { readBaseModel } from './engine/huggingFace/readBaseModel.js';
import { tinyModel } from './engine/tinyModel.js';

/** The name of a base model, and where those that are not in the package lie. */
export interface NamedBaseModel {
  /** Name of the base model that the adapter was trained on, as the server knows it. */
  readonly baseModel: string;
  /** Directories of Hugging Face checkpoints by name, as `startLocalServer` takes them; not needed for `rxtinker/tiny`. */
  readonly baseModels?: Readonly<Record<string, string>>;
}

/**
 * Finds a base model by its name.
 *
 * @throws TinkerError `invalid_config` for a name without a directory.
 */
export function baseModelOf({ baseModel, baseModels = {} }: NamedBaseModel): BaseModel {
  const directory = Object.hasOwn(baseModels, baseModel) ? baseModels[baseModel] : undefined;
  if (directory !== undefined) return readBaseModel(baseModel, directory);
  const tiny = tinyModel();
  if (baseModel === tiny.name) return tiny;
  const known = [...Object.keys(baseModels), tiny.name];
  throw new TinkerError(
    'invalid_config',
    `Expected a base model of ${known.join(', ')}, got ${describe(baseModel)}. Give its directory in baseModels (--base-model NAME=DIRECTORY on the command line), as to the server.`,
  );
}
