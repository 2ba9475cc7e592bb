import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EngineDatum } from '../../src/local/engine/engine.js';
import { readBaseModel } from '../../src/local/engine/huggingFace/readBaseModel.js';
import { createInProcessEngine } from '../../src/local/engine/inProcessEngine.js';
import { readSafetensors } from '../../src/local/engine/safetensors.js';
import { exportMerged } from '../../src/local/index.js';

const fixture = (name: string): string => fileURLToPath(new URL(`../parity/fixtures/${name}`, import.meta.url));
const lora = { rank: 2, seed: 1, trainAttention: true, trainMlp: true, trainUnembedding: true };
const tokens = Int32Array.from({ length: 12 }, (_, i) => (7 * i + 3) % 64);
const datum: EngineDatum = {
  tokens,
  inputs: {
    target_tokens: { data: tokens.map((token) => (token + 1) % 64), shape: [12] },
    weights: { data: new Float32Array(12).fill(1), shape: [12] },
  },
};

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'rxtinker-merged-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** The logprobs of a checkpoint, with an adapter or as it is. */
async function logprobs(model: string, adapter?: string): Promise<Float32Array | Int32Array> {
  const engine = await createInProcessEngine({ baseModels: [readBaseModel('model', model)], threads: 1 });
  await engine.createModel('m', 'model', lora);
  if (adapter !== undefined) await engine.loadState('m', { adapter: readFileSync(adapter) });
  const job = { data: [datum], loss: 'cross_entropy', config: {}, backward: false };
  const { outputs } = await engine.forwardBackward('m', job);
  await engine.close();
  return outputs[0]?.logprobs?.data ?? new Float32Array();
}

const farthest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - (b[i] ?? NaN))));

describe('exportMerged', () => {
  it.each(['llama', 'llama-tied', 'qwen2', 'qwen3'])(
    'writes a checkpoint of %s that computes the same',
    async (name) => {
      const base = fixture(name);
      const output = path.join(directory, 'merged');
      await exportMerged({
        directory: path.join(base, 'adapter'),
        baseModel: name,
        baseModels: { [name]: base },
        output,
      });
      const expected = await logprobs(base, path.join(base, 'adapter/adapter_model.safetensors'));
      expect(farthest(await logprobs(output), expected)).toBeLessThan(1e-4);
      expect(farthest(await logprobs(base), expected)).toBeGreaterThan(1e-2);
      expect(readFileSync(path.join(output, 'tokenizer.json'))).toEqual(
        readFileSync(path.join(base, 'tokenizer.json')),
      );
      const config = JSON.parse(readFileSync(path.join(output, 'config.json'), 'utf8')) as Record<string, unknown>;
      expect(config).toMatchObject({ dtype: 'float32', tie_word_embeddings: false });
      expect(readBaseModel('merged', output).tokenizerFile).toBe(path.join(output, 'tokenizer.json'));
    },
  );

  it('leaves what the adapter does not train as it was', async () => {
    const base = fixture('llama-tied');
    const adapter = path.join(base, 'adapter');
    const output = path.join(directory, 'merged');
    await exportMerged({ directory: adapter, baseModel: 'a', baseModels: { a: base }, output });
    const before = readSafetensors(readFileSync(path.join(base, 'model.safetensors'))).tensors;
    const after = readSafetensors(readFileSync(path.join(output, 'model.safetensors'))).tensors;
    expect(Object.keys(after).sort()).toEqual([...Object.keys(before), 'lm_head.weight'].sort());
    for (const name of Object.keys(before).filter((key) => /norm|embed/.test(key)))
      expect(after[name], name).toEqual(before[name]);
  });

  it('refuses a directory that holds something, and writes nothing there', async () => {
    const base = fixture('llama');
    writeFileSync(path.join(directory, 'mine.txt'), 'mine');
    const options = { directory: path.join(base, 'adapter'), baseModel: 'a', baseModels: { a: base } };
    await expect(exportMerged({ ...options, output: directory })).rejects.toMatchObject({
      code: 'invalid_config',
      message: `Expected an empty directory, got ${directory} with mine.txt in it.`,
    });
    expect(readdirSync(directory)).toEqual(['mine.txt']);
  });

  it('refuses an adapter of another base model before it writes', async () => {
    const output = path.join(directory, 'merged');
    const options = { directory: path.join(fixture('llama'), 'adapter'), baseModel: 'a', output };
    await expect(exportMerged({ ...options, baseModels: { a: fixture('qwen3') } })).rejects.toMatchObject({
      code: 'invalid_config',
    });
    expect(existsSync(output)).toBe(false);
  });
});
