import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { TinkerError } from '../../../errors.js';
import { matrixFileName, writeAdapter } from '../adapterFile.js';
import type { DecoderConfig } from '../decoderConfig.js';
import type { EngineTensor, LoraShape } from '../engine.js';
import { highestRank } from '../checkLora.js';
import { alpha, initialAdapter, loraLayout, type LoraLayout, type LoraMatrix } from '../loraLayout.js';
import { readSafetensors } from '../safetensors.js';
import { transposed } from '../transposed.js';
import { Fields } from './fields.js';
import { readJson } from './readJson.js';

/** An adapter in the engine's own form: a safetensors file of every module of the parts that it trains. */
export interface ImportedAdapter {
  readonly lora: LoraShape;
  readonly adapter: Uint8Array<ArrayBuffer>;
}

type Stored = Readonly<Record<string, EngineTensor>>;

const parts = {
  trainAttention: ['q_proj', 'k_proj', 'v_proj', 'o_proj'],
  trainMlp: ['gate_proj', 'up_proj', 'down_proj'],
  trainUnembedding: ['lm_head'],
} as const;

/**
 * Reads an adapter of Hugging Face PEFT, `adapter_config.json` and `adapter_model.safetensors`, for a base model of this
 * configuration. Whatever its alpha and ranks, B is rescaled so that the scale is 32 / rank, rank being the largest;
 * modules that the adapter leaves out get a B of zero, which changes nothing.
 *
 * @throws TinkerError `invalid_config` that names the file and the field or tensor which the engine can't take.
 */
export function readPeftAdapter(directory: string, config: DecoderConfig): ImportedAdapter {
  const configFile = path.join(directory, 'adapter_config.json');
  const values = readJson(configFile);
  if (values === undefined) throw missing(directory, 'adapter_config.json');
  const fields = new Fields(configFile, values);
  refuseOthers(fields);
  const file = path.join(directory, 'adapter_model.safetensors');
  const stored = withoutBaseLayers(readTensors(directory, file), config);
  const lora = loraOf(file, stored);
  const layout = loraLayout(config, lora);
  refuseUnknown(file, stored, layout);
  const scale = fields.positive('lora_alpha', 8);
  const scaleOf = (rank: number): number => scale / (fields.boolean('use_rslora') ? Math.sqrt(rank) : rank);
  const adapter = initialAdapter(layout, lora.seed);
  for (let index = 0; index < layout.matrices.length; index += 2) {
    const [a, b] = layout.matrices.slice(index, index + 2);
    if (a !== undefined && b !== undefined) readPair(file, stored, a, b, adapter, scaleOf);
  }
  return { lora, adapter: writeAdapter(layout, adapter) };
}

/** What would make the adapter compute something else than W·x + scale · B·A·x. */
function refuseOthers(fields: Fields): void {
  fields.expect('peft_type', ['LORA'], 'LORA, as the engine trains no other adapters');
  fields.expect('use_dora', [undefined, false], 'false, as weights are not decomposed into magnitude and direction');
  fields.expect('bias', [undefined, 'none'], 'none, as biases are not trained');
  fields.expect('lora_bias', [undefined, false], 'false, as adapters have no biases');
  for (const name of ['use_qalora', 'use_bdlora', 'use_monteclora', 'use_velora'])
    fields.expect(name, [undefined, false], 'false, as only plain LoRA is computed');
  for (const name of ['modules_to_save', 'layer_replication', 'trainable_token_indices', 'target_parameters'])
    if (!isEmpty(fields.get(name)))
      throw fields.refusal(name, 'null, as an adapter is nothing but the LoRA matrices of linear modules');
  if (!isEmpty(fields.get('alpha_pattern'))) throw fields.refusal('alpha_pattern', 'empty: one lora_alpha for all');
}

function isEmpty(value: unknown): boolean {
  return value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}

function readTensors(directory: string, file: string): Stored {
  if (existsSync(file)) return readSafetensors(readFileSync(file)).tensors;
  throw existsSync(path.join(directory, 'adapter_model.bin'))
    ? new TinkerError(
        'invalid_config',
        `Expected adapter_model.safetensors in ${directory}, got adapter_model.bin. Save the adapter again with a newer PEFT.`,
      )
    : missing(directory, 'adapter_model.safetensors');
}

/** PEFT writes the frozen unembedding beside its adapter; it is left out where it has the base model's shape. */
function withoutBaseLayers(tensors: Stored, { vocabularySize, hiddenSize }: DecoderConfig): Stored {
  const kept = Object.entries(tensors).filter(
    ([name, { shape }]) =>
      !(name.endsWith('.lm_head.base_layer.weight') && shape.join() === [vocabularySize, hiddenSize].join()),
  );
  return Object.fromEntries(kept);
}

function loraOf(file: string, stored: Stored): LoraShape {
  const names = Object.keys(stored);
  const ranks = names.flatMap((name) => (name.endsWith('.lora_A.weight') ? [stored[name]?.shape[0] ?? 0] : []));
  const rank = Math.max(...ranks);
  if (ranks.length === 0 || !(rank >= 1 && rank <= highestRank))
    throw new TinkerError(
      'invalid_config',
      `Expected matrices lora_A of a rank from 1 to ${String(highestRank)} in ${file}, got ${ranks.length === 0 ? 'none' : `rank ${String(rank)}`}.`,
    );
  const trains = (part: keyof typeof parts): boolean =>
    parts[part].some((module) => names.some((name) => name.includes(`.${module}.lora_`)));
  return {
    rank,
    seed: 0,
    trainAttention: trains('trainAttention'),
    trainMlp: trains('trainMlp'),
    trainUnembedding: trains('trainUnembedding'),
  };
}

function refuseUnknown(file: string, stored: Stored, layout: LoraLayout): void {
  const known = new Set(layout.matrices.map(matrixFileName));
  const extra = Object.keys(stored).find((name) => !known.has(name));
  if (extra !== undefined)
    throw new TinkerError(
      'invalid_config',
      `Expected LoRA matrices of ${Object.values(parts).flat().join(', ')} in the base model's layers in ${file}, got ${extra}.`,
    );
}

/** Copies A and B of one module, or leaves them as they start where the adapter has neither. */
function readPair(
  file: string,
  stored: Stored,
  a: LoraMatrix,
  b: LoraMatrix,
  adapter: Float32Array,
  scaleOf: (rank: number) => number,
): void {
  const [rank, inputs] = a.shape;
  const [, outputs] = b.shape;
  const [nameA, nameB] = [matrixFileName(a), matrixFileName(b)];
  if (stored[nameA] === undefined && stored[nameB] === undefined) return;
  const own = stored[nameA]?.shape[0] ?? 0;
  const dataA = numbersOf(file, nameA, stored[nameA], [own, inputs]);
  const dataB = numbersOf(file, nameB, stored[nameB], [outputs, own]);
  adapter.set(dataA, a.offset);
  // Rows of A beyond the module's own rank stay as they start: those of B are zero.
  const factor = (scaleOf(own) * rank) / alpha;
  adapter.set(
    transposed(dataB, outputs, own).map((value) => value * factor),
    b.offset,
  );
}

function numbersOf(
  file: string,
  name: string,
  tensor: EngineTensor | undefined,
  shape: readonly number[],
): Float32Array {
  const got = tensor === undefined ? 'none' : `shape [${tensor.shape.join(', ')}]`;
  if (!(tensor?.data instanceof Float32Array) || tensor.shape.join() !== shape.join())
    throw new TinkerError(
      'invalid_config',
      `Expected ${name} of shape [${shape.join(', ')}] in ${file}, as the base model's config.json says, got ${got}.`,
    );
  const bad = tensor.data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new TinkerError(
      'invalid_config',
      `Expected finite numbers as ${name} in ${file}, got ${String(tensor.data[bad])}.`,
    );
  return tensor.data;
}

function missing(directory: string, name: string): TinkerError {
  return new TinkerError(
    'invalid_config',
    `Expected the directory of a PEFT adapter, got ${directory} without ${name}. Save the adapter with save_pretrained, which writes it.`,
  );
}
