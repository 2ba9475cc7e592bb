import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const engineUrl = new URL('../../../dist/src/local/engine/inProcessEngine.js', import.meta.url).href;

/** Trains two steps and samples in a process of its own; prints a hash of all that came out. */
const program = `
  import { createHash } from 'node:crypto';
  const { createInProcessEngine } = await import(${JSON.stringify(engineUrl)});
  const engine = await createInProcessEngine({ threads: Number(process.argv[1]) });
  const [{ name }] = engine.baseModels;
  const lora = { rank: 4, seed: 3, trainAttention: true, trainMlp: true, trainUnembedding: true };
  await engine.createModel('m', name, lora);
  const hash = createHash('sha256');
  const add = ({ data }) => hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  for (let step = 0; step < 2; step++) {
    const data = [40, 64, 17].map((length) => {
      const tokens = Int32Array.from({ length }, (_, i) => (7 * i + step * 3) % 500);
      const weights = { data: new Float32Array(length).fill(1), shape: [length] };
      const target_tokens = { data: tokens.map((token) => (token + 5) % 500), shape: [length] };
      return { tokens, inputs: { target_tokens, weights } };
    });
    const { outputs } = await engine.forwardBackward('m', { data, loss: 'cross_entropy', config: {}, backward: true });
    outputs.forEach(({ logprobs }) => add(logprobs));
    await engine.optimStep('m', { learning_rate: 1e-2, beta1: 0.9, beta2: 0.95, eps: 1e-12, weight_decay: 0, grad_clip_norm: 0 });
  }
  const { adapter, optimizer } = await engine.saveState('m', { optimizer: true });
  hash.update(adapter).update(optimizer);
  await engine.createSampler('s', { baseModel: name, lora, adapter });
  const options = { numSamples: 3, maxTokens: 16, temperature: 1, topK: -1, topP: 1, seed: 4, stopTokens: [] };
  const { sequences } = await engine.sample('s', { ...options, prompt: Int32Array.of(1, 2, 3), promptLogprobs: false });
  for (const { tokens, logprobs } of sequences) for (const data of [tokens, logprobs]) add({ data });
  console.log(hash.digest('hex'));
`;

async function hashIn(threads: number): Promise<string> {
  const args = ['--input-type=module', '-e', program, '--', String(threads)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
  return stdout.trim();
}

describe('processes', () => {
  it('compute the same bits, at 1, 2 and 4 threads', async () => {
    const hashes: string[] = [];
    for (const threads of [1, 2, 4]) hashes.push(await hashIn(threads));
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(hashes).size).toBe(1);
  });
});
