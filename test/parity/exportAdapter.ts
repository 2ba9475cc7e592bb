/**
 * Trains an adapter on a model of fixtures/ for a few steps and writes it as PEFT loads it, with a text's logprobs, for
 * checkAdapter.py. Usage: node dist/test/parity/exportAdapter.js MODEL_DIRECTORY OUTPUT_DIRECTORY
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { LoraShape } from '../../src/local/engine/engine.js';
import { readBaseModel } from '../../src/local/engine/huggingFace/readBaseModel.js';
import { createInProcessEngine } from '../../src/local/engine/inProcessEngine.js';
import { checkpointManifest } from '../../src/local/server/checkpointManifest.js';
import { peftConfig } from '../../src/local/server/peftConfig.js';

const [, , model = '', output = ''] = process.argv;
const rank = 3;
const lora: LoraShape = { rank, seed: 3, trainAttention: true, trainMlp: true, trainUnembedding: true };
const tokens = Int32Array.from({ length: 20 }, (_, i) => (7 * i + 3) % 64);
const targets = { data: tokens.slice(1), shape: [19] };
const weights = { data: new Float32Array(19).fill(1), shape: [19] };
const datum = { tokens: tokens.slice(0, -1), inputs: { target_tokens: targets, weights } };
const job = { data: [datum], loss: 'cross_entropy', config: {} };
const adam = { learning_rate: 1e-2, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0, grad_clip_norm: 0 };

const engine = await createInProcessEngine({ baseModels: [readBaseModel('model', model)] });
await engine.createModel('m', 'model', lora);
for (let step = 0; step < 5; step++) {
  await engine.forwardBackward('m', { ...job, backward: true });
  await engine.optimStep('m', adam);
}
const { outputs } = await engine.forwardBackward('m', { ...job, backward: false });
const { adapter } = await engine.saveState('m', { optimizer: false });
await engine.close();

const manifest = checkpointManifest.parse({
  format: 1,
  run_id: 'run',
  kind: 'sampler_weights',
  name: 'adapter',
  base_model: model,
  lora: { rank, seed: lora.seed, train_attn: true, train_mlp: true, train_unembed: true },
  time: '2000-01-01T00:00:00Z',
  size_bytes: adapter.length,
  public: false,
  version: 1,
  files: { adapter: { bytes: adapter.length, checksum: '' } },
});
mkdirSync(output, { recursive: true });
writeFileSync(path.join(output, 'adapter_model.safetensors'), adapter);
writeFileSync(path.join(output, 'adapter_config.json'), JSON.stringify(peftConfig(manifest)));
const logprobs = [...(outputs[0]?.logprobs?.data ?? [])];
writeFileSync(path.join(output, 'logprobs.json'), JSON.stringify({ tokens: [...tokens], logprobs }));
