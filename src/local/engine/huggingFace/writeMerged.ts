import { copyFile, mkdir, open, readdir, writeFile, type FileHandle } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, TinkerError } from '../../../errors.js';
import { matrixFileName, readAdapter } from '../adapterFile.js';
import type { DecoderConfig } from '../decoderConfig.js';
import { loraLayout, type LoraLayout } from '../loraLayout.js';
import { weightShapes } from '../model.js';
import { writeSafetensorsHeader } from '../writeSafetensorsHeader.js';
import { readJson } from './readJson.js';
import type { ImportedAdapter } from './readPeftAdapter.js';
import { isLinear, storedName } from './readWeights.js';
import { StoredWeights } from './storedWeights.js';

/** Files that are copied as they are, where the base model has them. */
const copied = [
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
  'vocab.json',
  'merges.txt',
  'tokenizer.model',
];

/**
 * Writes a Hugging Face checkpoint whose weights are W + (32 / rank) · B·A, in float32, tensor by tensor. A tied
 * embedding is untied where the adapter changes the unembedding. config.json comes last: a directory without it is none.
 *
 * @param base - Directory of the base model.
 * @param output - A directory that is empty or not there.
 * @throws TinkerError `invalid_config` where the output holds something, or can't be written.
 */
export async function writeMerged(
  base: string,
  config: DecoderConfig,
  imported: ImportedAdapter,
  output: string,
): Promise<void> {
  try {
    await mkdir(output, { recursive: true });
    const [first] = await readdir(output);
    if (first !== undefined)
      throw new TinkerError('invalid_config', `Expected an empty directory, got ${output} with ${first} in it.`);
    await writeWeightsFile(path.join(output, 'model.safetensors'), mergedTensors(base, config, imported));
    for (const name of copied)
      if (existsSync(path.join(base, name))) await copyFile(path.join(base, name), path.join(output, name));
    await writeFile(
      path.join(output, 'config.json'),
      `${JSON.stringify(mergedConfig(base, imported), undefined, 2)}\n`,
    );
  } catch (cause) {
    if (cause instanceof TinkerError) throw cause;
    throw new TinkerError(
      'invalid_config',
      `Expected to write a checkpoint to ${output}, got ${describe(cause instanceof Error ? cause.message : cause)}.`,
      { cause },
    );
  }
}

interface MergedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly compute: () => Float32Array;
}

function mergedTensors(base: string, config: DecoderConfig, { lora, adapter }: ImportedAdapter): MergedTensor[] {
  const stored = new StoredWeights(base);
  const layout = loraLayout(config, lora);
  const flat = readAdapter(layout, adapter);
  const untied = lora.trainUnembedding ? { ...config, tiedEmbeddings: false } : config;
  return Object.entries(weightShapes(untied)).map(([weight, shape]) => {
    const name = storedName(weight);
    const source = weight === 'unembedding' && config.tiedEmbeddings ? storedName('embedding') : name;
    const compute = (): Float32Array => {
      const values = Float32Array.from(stored.read(source).data);
      addProduct(layout, flat, weight, values);
      return values;
    };
    return { name, shape: isLinear(weight, shape) ? shape.toReversed() : shape, compute };
  });
}

/** Adds scale · B·A to a matrix [outputs, inputs], if the adapter has one of this name. */
function addProduct(layout: LoraLayout, adapter: Float32Array, weight: string, values: Float32Array): void {
  const find = (kind: 'A' | 'B') => layout.matrices.find(({ name }) => name === `${weight}.lora${kind}`);
  const [a, b] = [find('A'), find('B')];
  if (a === undefined || b === undefined) return;
  const [rank, inputs] = a.shape;
  const [, outputs] = b.shape;
  if (values.length !== inputs * outputs)
    throw new RangeError(`${matrixFileName(a)} does not fit the weights of ${weight}.`);
  const row = new Float64Array(inputs);
  for (let output = 0; output < outputs; output++) {
    row.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = layout.scale * (adapter[b.offset + r * outputs + output] ?? 0);
      const start = a.offset + r * inputs;
      for (let i = 0; i < inputs; i++) row[i] = (row[i] ?? 0) + factor * (adapter[start + i] ?? 0);
    }
    for (let i = 0; i < inputs; i++) values[output * inputs + i] = (values[output * inputs + i] ?? 0) + (row[i] ?? 0);
  }
}

async function writeWeightsFile(file: string, tensors: readonly MergedTensor[]): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    await writeAll(handle, writeSafetensorsHeader(tensors, { format: 'pt' }));
    for (const { compute } of tensors) {
      const { buffer, byteOffset, byteLength } = compute();
      await writeAll(handle, new Uint8Array(buffer, byteOffset, byteLength));
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += (await handle.write(bytes, done)).bytesWritten;
}

/** The base model's config.json with what the merged weights are. */
function mergedConfig(base: string, { lora }: ImportedAdapter): Record<string, unknown> {
  const fields = { ...readJson(path.join(base, 'config.json')) };
  const typeName = 'torch_dtype' in fields ? 'torch_dtype' : 'dtype';
  return { ...fields, [typeName]: 'float32', ...(lora.trainUnembedding && { tie_word_embeddings: false }) };
}
