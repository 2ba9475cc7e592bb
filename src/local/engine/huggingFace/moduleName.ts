const modules: Readonly<Record<string, string>> = {
  q: 'self_attn.q_proj',
  k: 'self_attn.k_proj',
  v: 'self_attn.v_proj',
  o: 'self_attn.o_proj',
  gate: 'mlp.gate_proj',
  up: 'mlp.up_proj',
  down: 'mlp.down_proj',
  attentionNorm: 'input_layernorm',
  mlpNorm: 'post_attention_layernorm',
  queryNorm: 'self_attn.q_norm',
  keyNorm: 'self_attn.k_norm',
  embedding: 'model.embed_tokens',
  finalNorm: 'model.norm',
  unembedding: 'lm_head',
};

/** The module of Hugging Face's Llama, Qwen and Mistral models that `layers.3.q`, `embedding`, … is. */
export function moduleName(name: string): string {
  const [first = '', layer, part = ''] = name.split('.');
  return layer === undefined ? (modules[first] ?? first) : `model.layers.${layer}.${modules[part] ?? part}`;
}
