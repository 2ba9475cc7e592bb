import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { readAdapter, writeAdapter } from '../../src/local/engine/adapterFile.js';
import type { Engine, EngineDatum, EngineTensor, LoraShape } from '../../src/local/engine/engine.js';
import { readBaseModel } from '../../src/local/engine/huggingFace/readBaseModel.js';
import { createInProcessEngine } from '../../src/local/engine/inProcessEngine.js';
import { LoadedModel } from '../../src/local/engine/loadedModel.js';
import { loadRuntime } from '../../src/local/engine/loadRuntime.js';
import { adapterTensors, loraLayout } from '../../src/local/engine/loraLayout.js';
import { losses } from '../../src/local/engine/losses.js';
import { planMicroBatches } from '../../src/local/engine/microBatches.js';
import { readSafetensors, writeSafetensors } from '../../src/local/engine/safetensors.js';
import { TrainingPass } from '../../src/local/engine/trainingPass.js';

// What PyTorch and PEFT computed: see makeFixtures.py.
const fixtures = new URL('./fixtures/', import.meta.url);
const lora: LoraShape = { rank: 2, seed: 1, trainAttention: true, trainMlp: true, trainUnembedding: true };
const adam = { learning_rate: 3e-3, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1, grad_clip_norm: 1 };
const names = ['llama', 'llama-tied', 'qwen2', 'qwen3', 'qwen3-tied'] as const;

const directory = (name: string): string => fileURLToPath(new URL(name, fixtures));

/** The tensors of a reference, by name. */
function tensorsOf(name: string): (key: string) => EngineTensor {
  const { tensors } = readSafetensors(readFileSync(new URL(`${name}/reference.safetensors`, fixtures)));
  return (key) => {
    const found = tensors[key];
    if (found === undefined) throw new RangeError(`The reference of ${name} has no ${key}.`);
    return found;
  };
}

interface Reference {
  readonly data: readonly EngineDatum[];
  readonly tensor: (key: string) => EngineTensor;
  /** Matrices under a prefix, as the flat buffer of an adapter. */
  readonly matrices: (prefix: string) => Float32Array;
  readonly adapter: Uint8Array;
}

function referenceOf(name: string): Reference {
  const tensor = tensorsOf(name);
  const data = [0, 1, 2].map((index): EngineDatum => {
    const part = (key: string): EngineTensor => tensor(`data.${String(index)}.${key}`);
    const inputs = ['target_tokens', 'weights', 'logprobs', 'advantages'].map((key) => [key, part(key)] as const);
    return { tokens: Int32Array.from(part('tokens').data), inputs: Object.fromEntries(inputs) };
  });
  const adapter = readFileSync(new URL(`${name}/adapter/adapter_model.safetensors`, fixtures));
  const matrices = (prefix: string): Float32Array => {
    const keys = Object.keys(readSafetensors(adapter).tensors);
    const tensors = Object.fromEntries(keys.map((key) => [key, tensor(`${prefix}.${key}`)]));
    return readAdapter(layoutOf(name), writeSafetensors({ tensors, metadata: {} }));
  };
  return { data, tensor, matrices, adapter };
}

const layoutOf = (name: string) => loraLayout(readBaseModel(name, directory(name)).config, lora);

function farthest(got: ArrayLike<number> | undefined, expected: ArrayLike<number>): number {
  expect(got).toHaveLength(expected.length);
  return Math.max(...Array.from(expected, (value, i) => Math.abs((got?.[i] ?? NaN) - value)));
}

/** For each datum of `inputs` how far our logprobs are from those of the reference `expected`. */
async function logprobDistances(
  name: string,
  inputs: Reference,
  expected: Pick<Reference, 'tensor'>,
): Promise<number[]> {
  const engine = await createInProcessEngine({ baseModels: [readBaseModel(name, directory(name))] });
  await engine.createModel('m', name, lora);
  await engine.loadState('m', { adapter: inputs.adapter });
  const job = { data: inputs.data, loss: 'cross_entropy', config: {}, backward: false };
  const { outputs } = await engine.forwardBackward('m', job);
  return outputs.map(({ logprobs }, index) =>
    farthest(logprobs?.data, expected.tensor(`result.${String(index)}.logprobs`).data),
  );
}

describe.each(names)('%s as PyTorch and PEFT compute it', (name) => {
  const reference = referenceOf(name);
  const layout = layoutOf(name);
  const model = readBaseModel(name, directory(name));
  let engine: Engine;

  beforeAll(async () => {
    engine = await createInProcessEngine({ baseModels: [model] });
    await engine.createModel('m', name, lora);
    await engine.loadState('m', { adapter: reference.adapter });
  });

  it('has the same logprobs with an adapter of PEFT', async () => {
    for (const distance of await logprobDistances(name, reference, reference)) expect(distance).toBeLessThan(1e-4);
  });

  it('writes an adapter as PEFT does', () => {
    const written = readSafetensors(writeAdapter(layout, readAdapter(layout, reference.adapter)));
    expect(written.tensors).toEqual(readSafetensors(reference.adapter).tensors);
  });

  it.each(Object.keys(losses))('has the same gradient of %s by every matrix', async (loss) => {
    const runtime = await loadRuntime('onnxruntime-node', 1);
    const { data } = reference;
    const job = { data, loss, config: loss === 'dro' ? { beta: 0.05 } : {}, backward: true };
    const pass = new TrainingPass(new LoadedModel(model, runtime), lora, layout, job);
    const adapter = adapterTensors(layout, readAdapter(layout, reference.adapter));
    const gradient = new Float32Array(layout.size);
    for (const batch of planMicroBatches(data.map(({ tokens }) => tokens.length)))
      await pass.run(batch, adapter, gradient);
    const expected = reference.matrices(loss);
    for (const { name: matrix, shape, offset } of layout.matrices) {
      const part = expected.subarray(offset, offset + shape[0] * shape[1]);
      const distance = farthest(gradient.subarray(offset, offset + part.length), part);
      expect(distance, matrix).toBeLessThan(1e-4 * Math.max(...part.map(Math.abs)));
    }
  });

  it('samples the same 32 tokens', async () => {
    await engine.createSampler('s', { baseModel: name, lora, adapter: reference.adapter });
    const prompt = reference.data[0]?.tokens.slice(0, 5) ?? new Int32Array();
    const options = { numSamples: 1, maxTokens: 32, temperature: 0, topK: -1, topP: 1, stopTokens: [] };
    const { sequences } = await engine.sample('s', { ...options, prompt, promptLogprobs: false });
    expect([...(sequences[0]?.tokens ?? [])]).toEqual([...reference.tensor('sampled').data]);
    expect(new Set(reference.tensor('sampled').data).size).toBeGreaterThan(3);
  });

  it('has the same matrices after ten steps of AdamW', async () => {
    await engine.loadState('m', { adapter: reference.adapter });
    const job = { data: reference.data, loss: 'cross_entropy', config: {}, backward: true };
    for (let step = 0; step < 10; step++) {
      await engine.forwardBackward('m', job);
      await engine.optimStep('m', adam);
    }
    const { adapter } = await engine.saveState('m', { optimizer: false });
    const trained = reference.matrices('trained');
    expect(farthest(readAdapter(layout, adapter), trained)).toBeLessThan(1e-4);
    expect(farthest(readAdapter(layout, reference.adapter), trained)).toBeGreaterThan(1e-2);
  });
});

describe('llama stored as bfloat16', () => {
  const original = referenceOf('llama');

  it('has the logprobs that PyTorch computes with these weights in float32', async () => {
    const stored = { tensor: tensorsOf('llama-bfloat16') };
    for (const distance of await logprobDistances('llama-bfloat16', original, stored))
      expect(distance).toBeLessThan(1e-4);
  });

  it('has logprobs near those of the weights before rounding', async () => {
    for (const distance of await logprobDistances('llama-bfloat16', original, original)) {
      expect(distance).toBeLessThan(5e-3);
      expect(distance).toBeGreaterThan(0);
    }
  });
});
