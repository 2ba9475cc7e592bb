import type { DecoderConfig, RopeScaling } from '../decoderConfig.js';
import type { Fields } from './fields.js';

const architectures = ['LlamaForCausalLM', 'MistralForCausalLM', 'Qwen2ForCausalLM', 'Qwen3ForCausalLM'] as const;

/** A family of models that the engine computes, by its name in config.json. */
export type Architecture = (typeof architectures)[number];

/** The architecture that a config.json names. */
export function architectureOf(fields: Fields): Architecture {
  const names = fields.get('architectures');
  const name: unknown = Array.isArray(names) ? names[0] : undefined;
  const known = architectures.find((architecture) => architecture === name);
  if (known === undefined) throw fields.refusal('architectures', `one of ${architectures.join(', ')}`);
  return known;
}

/**
 * The sizes that a config.json of Hugging Face transformers gives, in the spelling of version 4 (`rope_theta`,
 * `rope_scaling`) or 5 (`rope_parameters`).
 *
 * @throws TinkerError `invalid_config` that names the field which asks for what the engine does not compute.
 */
export function decoderConfigFrom(fields: Fields): DecoderConfig {
  refuseMixtures(fields);
  const architecture = architectureOf(fields);
  const hiddenSize = fields.size('hidden_size');
  const heads = fields.size('num_attention_heads');
  const kvHeads = fields.size('num_key_value_heads', heads);
  if (heads % kvHeads !== 0) throw fields.refusal('num_key_value_heads', `a divisor of ${String(heads)} heads`);
  const headDim = fields.size('head_dim', architecture === 'Qwen3ForCausalLM' ? 128 : hiddenSize / heads);
  if (headDim % 2 !== 0) throw fields.refusal('head_dim', 'even');
  const contextLength = fields.size('max_position_embeddings', architecture.startsWith('Qwen') ? 32_768 : 2048);
  const layers = fields.size('num_hidden_layers');
  refuseOthers(fields);
  refuseWindows(fields, architecture, layers, contextLength);
  const rope = fields.object('rope_parameters');
  const ropeScaling = ropeScalingFrom(rope ?? fields.object('rope_scaling'), contextLength);
  return {
    vocabularySize: fields.size('vocab_size'),
    hiddenSize,
    layers,
    heads,
    kvHeads,
    headDim,
    ffnSize: fields.size('intermediate_size'),
    ropeTheta:
      rope?.get('rope_theta') === undefined ? fields.positive('rope_theta', 10_000) : rope.positive('rope_theta'),
    ...(ropeScaling !== undefined && { ropeScaling }),
    normEps: fields.positive('rms_norm_eps', 1e-6),
    tiedEmbeddings: fields.boolean('tie_word_embeddings'),
    queryKeyValueBias: architecture === 'Qwen2ForCausalLM',
    queryKeyNorm: architecture === 'Qwen3ForCausalLM',
    contextLength,
  };
}

function refuseMixtures(fields: Fields): void {
  for (const name of ['num_local_experts', 'num_experts', 'n_routed_experts'])
    fields.expect(name, [undefined, 0], 'missing, as the engine computes no mixture of experts');
}

function refuseOthers(fields: Fields): void {
  fields.expect('hidden_act', [undefined, 'silu'], 'silu');
  fields.expect('attention_bias', [undefined, false], 'false, as only the biases of Qwen2 are computed');
  fields.expect('mlp_bias', [undefined, false], 'false, as the MLP is computed without biases');
  fields.expect('partial_rotary_factor', [undefined, 1], '1, as whole heads are rotated');
  fields.expect(
    'quantization_config',
    [undefined],
    'missing: take the model in float32, float16 or bfloat16, which quantized weights are made from',
  );
}

/** A window matters where a layer has one that is shorter than the context. */
function refuseWindows(fields: Fields, architecture: Architecture, layers: number, contextLength: number): void {
  const window = fields.get('sliding_window');
  if (window === undefined || architecture === 'LlamaForCausalLM') return;
  if (architecture !== 'MistralForCausalLM' && !fields.boolean('use_sliding_window')) return;
  const kinds = fields.get('layer_types');
  if (Array.isArray(kinds) && !kinds.includes('sliding_attention')) return;
  if (!Array.isArray(kinds) && Number(fields.get('max_window_layers') ?? 0) >= layers) return;
  if (fields.size('sliding_window') < contextLength)
    throw fields.refusal(
      'sliding_window',
      `null or at least max_position_embeddings, ${String(contextLength)}, as attention is computed over the whole context`,
    );
}

function ropeScalingFrom(rope: Fields | undefined, contextLength: number): RopeScaling | undefined {
  if (rope === undefined) return undefined;
  const name = rope.get('rope_type') === undefined ? 'type' : 'rope_type';
  const type = rope.get(name);
  switch (type) {
    case undefined:
    case 'default':
      return undefined;
    case 'linear':
      return { type, factor: rope.positive('factor') };
    case 'llama3':
      return {
        type,
        factor: rope.positive('factor'),
        lowFrequencyFactor: rope.positive('low_freq_factor'),
        highFrequencyFactor: rope.positive('high_freq_factor'),
        originalContextLength: rope.size('original_max_position_embeddings', contextLength),
      };
    default:
      throw rope.refusal(name, 'default, linear or llama3');
  }
}
