import { TinkerError } from '../../../errors.js';
import type { BaseModel } from '../baseModel.js';
import { absolutePath, fileIn, hasFile } from '../files.js';
import { architectureOf, decoderConfigFrom } from './decoderConfigFrom.js';
import { Fields } from './fields.js';
import { readJson } from './readJson.js';
import { checkShapes } from './readWeights.js';
import { StoredWeights } from './storedWeights.js';

/**
 * A base model from the directory of a Hugging Face checkpoint: config.json, tokenizer.json and safetensors in float32,
 * float16 or bfloat16, of the Llama, Mistral, Qwen2 and Qwen3 families. Weights are looked at, and read when first used.
 *
 * @throws TinkerError `invalid_config` where a file is missing, or a field asks for what the engine does not compute.
 */
export function readBaseModel(name: string, directory: string): BaseModel {
  const configFile = fileIn(directory, 'config.json');
  const values = readJson(configFile);
  if (values === undefined)
    throw new TinkerError(
      'invalid_config',
      `Expected the directory of a Hugging Face model as base model ${name}, got ${directory} without a config.json.`,
    );
  const fields = new Fields(configFile, values);
  const config = decoderConfigFrom(fields);
  checkShapes(new StoredWeights(directory), config);
  const tokenizerFile = fileIn(directory, 'tokenizer.json');
  if (!hasFile(tokenizerFile))
    throw new TinkerError('invalid_config', `Expected a tokenizer.json in ${directory}, got none.`);
  const generation = readJson(fileIn(directory, 'generation_config.json')) ?? {};
  return {
    name,
    config,
    architecture: architectureOf(fields),
    weights: { kind: 'huggingFace', directory: absolutePath(directory) },
    eosTokens: [...new Set([fields.get('eos_token_id'), generation.eos_token_id].flat().filter(isToken))],
    tokenizerFile,
  };
}

function isToken(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
