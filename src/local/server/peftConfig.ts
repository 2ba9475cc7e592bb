import type { CheckpointManifest } from './checkpointManifest.js';

const modules = {
  train_attn: ['q_proj', 'k_proj', 'v_proj', 'o_proj'],
  train_mlp: ['gate_proj', 'up_proj', 'down_proj'],
  train_unembed: ['lm_head'],
} as const;

/** The `adapter_config.json` with which Hugging Face PEFT loads a checkpoint's adapter. */
export function peftConfig({ base_model, lora }: CheckpointManifest): Record<string, unknown> {
  const parts = ['train_attn', 'train_mlp', 'train_unembed'] as const;
  return {
    base_model_name_or_path: base_model,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    // The scale is 32 / rank at every rank.
    lora_alpha: 32,
    lora_dropout: 0,
    peft_type: 'LORA',
    r: lora.rank,
    target_modules: parts.flatMap((part) => (lora[part] ? modules[part] : [])),
    task_type: 'CAUSAL_LM',
  };
}
