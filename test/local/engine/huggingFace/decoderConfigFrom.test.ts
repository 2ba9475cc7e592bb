import { describe, expect, it } from 'vitest';
import type { DecoderConfig } from '../../../../src/local/engine/decoderConfig.js';
import { decoderConfigFrom } from '../../../../src/local/engine/huggingFace/decoderConfigFrom.js';
import { Fields } from '../../../../src/local/engine/huggingFace/fields.js';

const llama = {
  architectures: ['LlamaForCausalLM'],
  vocab_size: 100,
  hidden_size: 32,
  intermediate_size: 80,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 512,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
};
const read = (changes: object): DecoderConfig => decoderConfigFrom(new Fields('config.json', { ...llama, ...changes }));
const llama3 = { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 256 };

describe('decoderConfigFrom', () => {
  it('reads the sizes, with what the family has where one is missing', () => {
    expect(read({})).toEqual({
      vocabularySize: 100,
      hiddenSize: 32,
      layers: 3,
      heads: 4,
      kvHeads: 2,
      headDim: 8,
      ffnSize: 80,
      ropeTheta: 10_000,
      normEps: 1e-5,
      tiedEmbeddings: true,
      queryKeyValueBias: false,
      queryKeyNorm: false,
      contextLength: 512,
    });
    expect(read({ num_key_value_heads: null, head_dim: 16 })).toMatchObject({ kvHeads: 4, headDim: 16 });
    expect(read({ architectures: ['Qwen2ForCausalLM'] })).toMatchObject({ queryKeyValueBias: true });
    expect(read({ architectures: ['Qwen3ForCausalLM'] })).toMatchObject({ queryKeyNorm: true, headDim: 128 });
  });

  it('reads both spellings of the rotation', () => {
    const old = { rope_theta: 5e5, rope_scaling: { ...llama3, rope_type: 'llama3' } };
    const older = { rope_theta: 5e5, rope_scaling: { ...llama3, type: 'llama3' } };
    const now = { rope_parameters: { ...llama3, rope_type: 'llama3', rope_theta: 5e5 } };
    const expected = {
      ropeTheta: 5e5,
      ropeScaling: {
        type: 'llama3',
        factor: 8,
        lowFrequencyFactor: 1,
        highFrequencyFactor: 4,
        originalContextLength: 256,
      },
    };
    for (const spelling of [old, older, now]) expect(read(spelling)).toMatchObject(expected);
    expect(read({ rope_scaling: { type: 'linear', factor: 2 } }).ropeScaling).toEqual({ type: 'linear', factor: 2 });
    expect(read({ rope_parameters: { rope_type: 'default', rope_theta: 7 } })).toMatchObject({ ropeTheta: 7 });
    expect(read({ rope_scaling: null }).ropeScaling).toBeUndefined();
  });

  it.each([
    { architectures: ['MistralForCausalLM'], sliding_window: null },
    { architectures: ['MistralForCausalLM'], sliding_window: 512 },
    { architectures: ['Qwen2ForCausalLM'], sliding_window: 128, use_sliding_window: false },
    { architectures: ['Qwen2ForCausalLM'], sliding_window: 128, use_sliding_window: true, max_window_layers: 3 },
    {
      architectures: ['Qwen3ForCausalLM'],
      sliding_window: 128,
      use_sliding_window: true,
      layer_types: ['full_attention'],
    },
  ])('takes a window that no layer feels: %o', (changes) => {
    expect(read(changes)).toMatchObject({ contextLength: 512 });
  });

  it.each([
    ['architectures', { architectures: ['GPT2LMHeadModel'] }],
    ['num_local_experts', { architectures: ['MixtralForCausalLM'], num_local_experts: 8 }],
    ['num_experts', { num_experts: 60 }],
    ['sliding_window', { architectures: ['MistralForCausalLM'], sliding_window: 128 }],
    ['sliding_window', { architectures: ['Qwen2ForCausalLM'], sliding_window: 128, use_sliding_window: true }],
    ['rope_scaling.rope_type', { rope_scaling: { rope_type: 'yarn', factor: 4 } }],
    ['rope_scaling.type', { rope_scaling: { type: 'dynamic', factor: 4 } }],
    ['rope_parameters.rope_type', { rope_parameters: { rope_type: 'longrope' } }],
    ['rope_scaling.factor', { rope_scaling: { rope_type: 'linear' } }],
    ['hidden_act', { hidden_act: 'gelu' }],
    ['attention_bias', { attention_bias: true }],
    ['mlp_bias', { mlp_bias: true }],
    ['quantization_config', { quantization_config: { bits: 4 } }],
    ['hidden_size', { hidden_size: undefined }],
    ['vocab_size', { vocab_size: 'many' }],
    ['num_key_value_heads', { num_key_value_heads: 3 }],
    ['head_dim', { head_dim: 7 }],
  ])('refuses by name: %s', (field, changes) => {
    expect(() => read(changes)).toThrow(
      expect.objectContaining({
        code: 'invalid_config',
        message: expect.stringContaining(`Expected ${field} in config.json to be `) as string,
      }),
    );
  });
});
