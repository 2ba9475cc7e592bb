import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ModelInput } from '../../src/index.js';
import { localService, startLocalServer } from '../../src/local/index.js';

const qwen3 = fileURLToPath(new URL('../parity/fixtures/qwen3', import.meta.url));

describe('base models from disk', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'rxtinker-base-'));
    await cp(qwen3, directory, { recursive: true });
  });

  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it('are served beside the default one, trained and sampled, with the tokenizer of their directory', async () => {
    await using service = await localService({ baseModels: { 'test/qwen3': directory }, threads: 1 });
    const { supportedModels } = await service.getServerCapabilities().result();
    expect(supportedModels.map(({ modelName }) => modelName)).toEqual(['test/qwen3', 'rxtinker/tiny']);
    const training = await service.createLoraTrainingClient({ baseModel: 'test/qwen3', rank: 2 }).result();
    const tokens = await training.encode('#0A').result();
    expect([...tokens]).toEqual([2, 15, 32]);
    const datum = {
      modelInput: ModelInput.fromTokens(tokens.slice(0, -1)),
      lossFnInputs: { target_tokens: tokens.slice(1), weights: [1, 1] },
    };
    const losses: number[] = [];
    for (let step = 0; step < 4; step++) {
      const { metrics } = await training.forwardBackward([datum], 'cross_entropy').result();
      losses.push(metrics['loss:sum'] ?? NaN);
      await training.optimStep({ learningRate: 1e-2 }).result();
    }
    expect(losses.at(-1)).toBeLessThan(losses[0] ?? NaN);
  });

  it.each(['config.json', 'model.safetensors', 'tokenizer.json'])('are refused at start without %s', async (file) => {
    await rm(path.join(directory, file));
    await expect(startLocalServer({ baseModels: { 'test/qwen3': directory } })).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining(file) as string,
    });
  });
});
