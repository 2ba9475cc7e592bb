import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EngineTensor } from '../../../../src/local/engine/engine.js';
import { readBaseModel } from '../../../../src/local/engine/huggingFace/readBaseModel.js';
import { readPeftAdapter } from '../../../../src/local/engine/huggingFace/readPeftAdapter.js';
import { readSafetensors, writeSafetensors } from '../../../../src/local/engine/safetensors.js';

const llama = fileURLToPath(new URL('../../../parity/fixtures/llama', import.meta.url));
const { config } = readBaseModel('llama', llama);
const original = readSafetensors(readFileSync(path.join(llama, 'adapter/adapter_model.safetensors'))).tensors;
const fields = JSON.parse(readFileSync(path.join(llama, 'adapter/adapter_config.json'), 'utf8')) as object;
const nameOf = (layer: number, module: string, kind: 'A' | 'B'): string =>
  `base_model.model.model.layers.${String(layer)}.${module}.lora_${kind}.weight`;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'rxtinker-peft-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

type Stored = Readonly<Record<string, EngineTensor>>;

/** Reads the fixture's adapter with other fields of its configuration, or with other tensors. */
function read(changed: object = {}, tensors: Stored = original) {
  writeFileSync(path.join(directory, 'adapter_config.json'), JSON.stringify({ ...fields, ...changed }));
  writeFileSync(path.join(directory, 'adapter_model.safetensors'), writeSafetensors({ tensors, metadata: {} }));
  const { lora, adapter } = readPeftAdapter(directory, config);
  return { lora, tensors: readSafetensors(adapter).tensors };
}

const scaled = (tensor: EngineTensor | undefined, factor: number): Float32Array =>
  Float32Array.from(tensor?.data ?? [], (value) => value * factor);

describe('readPeftAdapter', () => {
  it('takes an adapter with the scale 32 / rank as it is', () => {
    const { lora, tensors } = read();
    expect(lora).toEqual({ rank: 2, seed: 0, trainAttention: true, trainMlp: true, trainUnembedding: true });
    expect(tensors).toEqual(original);
  });

  it.each([
    { what: 'another alpha', changed: { lora_alpha: 16 }, factor: 0.5 },
    { what: 'the scale of rsLoRA', changed: { use_rslora: true }, factor: Math.SQRT2 },
    { what: "PEFT's alpha where none is given", changed: { lora_alpha: undefined }, factor: 0.25 },
  ])('rescales B for $what', ({ changed, factor }) => {
    const { tensors } = read(changed);
    for (const [name, tensor] of Object.entries(original)) {
      const expected = name.includes('lora_A') ? tensor.data : scaled(tensor, factor);
      expect(tensors[name]?.data, name).toEqual(expected);
    }
  });

  it('adds the modules that are left out with a B of zero and an A to train from', () => {
    const some = Object.fromEntries(Object.entries(original).filter(([name]) => /[qv]_proj/.test(name)));
    const { lora, tensors } = read({ target_modules: ['q_proj', 'v_proj'] }, some);
    expect(lora).toMatchObject({ trainAttention: true, trainMlp: false, trainUnembedding: false });
    expect(tensors).toMatchObject(some);
    expect(Math.max(...(tensors[nameOf(0, 'self_attn.k_proj', 'B')]?.data ?? [1]).map(Math.abs))).toBe(0);
    expect(Math.min(...(tensors[nameOf(0, 'self_attn.k_proj', 'A')]?.data ?? [0]).map(Math.abs))).toBeGreaterThan(0);
  });

  it('fills modules of a lower rank up to the highest', () => {
    const [a, b] = [nameOf(1, 'mlp.up_proj', 'A'), nameOf(1, 'mlp.up_proj', 'B')];
    const [inputs, outputs] = [config.hiddenSize, config.ffnSize];
    const one = {
      [a]: { data: new Float32Array(inputs).fill(3), shape: [1, inputs] },
      [b]: { data: new Float32Array(outputs).fill(5), shape: [outputs, 1] },
    };
    const { tensors } = read({}, { ...original, ...one });
    expect(tensors[a]?.data.slice(0, inputs)).toEqual(one[a]?.data);
    // Its own scale, 32 / 1, is twice that of rank 2.
    expect([...(tensors[b]?.data ?? [])]).toEqual(Array.from({ length: outputs }, () => [10, 0]).flat());
  });

  it('passes over the frozen unembedding that PEFT writes beside the adapter', () => {
    const frozen = { data: new Float32Array(config.vocabularySize * config.hiddenSize), shape: [64, 32] };
    expect(read({}, { ...original, 'base_model.model.lm_head.base_layer.weight': frozen }).tensors).toEqual(original);
  });

  it.each([
    { field: 'peft_type', value: 'LOHA' },
    { field: 'use_dora', value: true },
    { field: 'bias', value: 'all' },
    { field: 'lora_bias', value: true },
    { field: 'modules_to_save', value: ['embed_tokens'] },
    { field: 'alpha_pattern', value: { q_proj: 4 } },
    { field: 'lora_alpha', value: 'much' },
  ])('refuses $field $value', ({ field, value }) => {
    expect(() => read({ [field]: value })).toThrow(
      expect.objectContaining({
        code: 'invalid_config',
        message: expect.stringContaining(`Expected ${field} in `) as string,
      }),
    );
  });

  const q = nameOf(0, 'self_attn.q_proj', 'A');
  it.each([
    { what: 'a module that is none', tensors: { 'base_model.model.model.embed_tokens.lora_embedding_A': original[q] } },
    { what: 'a layer that the model does not have', tensors: { [nameOf(2, 'self_attn.q_proj', 'A')]: original[q] } },
    { what: 'inputs of another size', tensors: { [q]: { data: new Float32Array(62), shape: [2, 31] } } },
    { what: 'A without B', tensors: { [nameOf(0, 'self_attn.q_proj', 'B')]: undefined } },
    { what: 'integers', tensors: { [q]: { data: new Int32Array(64), shape: [2, 32] } } },
    { what: 'a number that is none', tensors: { [q]: { data: new Float32Array(64).fill(NaN), shape: [2, 32] } } },
  ])('refuses $what', ({ tensors }) => {
    const entries = Object.entries({ ...original, ...tensors }).flatMap(([name, tensor]) =>
      tensor === undefined ? [] : [[name, tensor] as const],
    );
    const [name = ''] = Object.keys(tensors);
    expect(() => read({}, Object.fromEntries(entries))).toThrow(
      expect.objectContaining({ code: 'invalid_config', message: expect.stringContaining(name) as string }),
    );
  });

  it.each(['adapter_config.json', 'adapter_model.safetensors'])('says that there is no %s', (name) => {
    read();
    rmSync(path.join(directory, name));
    expect(() => readPeftAdapter(directory, config)).toThrow(`${directory} without ${name}`);
  });

  it('names the file of older versions of PEFT', () => {
    read();
    rmSync(path.join(directory, 'adapter_model.safetensors'));
    writeFileSync(path.join(directory, 'adapter_model.bin'), '');
    expect(() => readPeftAdapter(directory, config)).toThrow('got adapter_model.bin');
  });
});
