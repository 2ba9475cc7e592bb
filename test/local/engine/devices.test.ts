import { describe, expect, it } from 'vitest';
import { TinkerError } from '../../../src/index.js';
import { createInProcessEngine } from '../../../src/local/engine/inProcessEngine.js';
import type { Device } from '../../../src/local/engine/runtime.js';
import { startLocalServer } from '../../../src/local/index.js';
import { adam, randomJob, smallModel, wholeLora } from './engineFixtures.js';

/** Logprobs before and after a step on a device, and greedy logprobs of its sampler. */
async function computeOn(device: Device): Promise<number[]> {
  const engine = await createInProcessEngine({ baseModels: [smallModel], threads: 1, device });
  await engine.createModel('m', smallModel.name, wholeLora);
  const job = randomJob(3, [7, 12, 3], smallModel.config.vocabularySize, 'cross_entropy');
  const before = await engine.forwardBackward('m', job);
  await engine.optimStep('m', { ...adam, eps: 1e-4 });
  const after = await engine.forwardBackward('m', { ...job, backward: false });
  await engine.createSampler('s', { baseModel: smallModel.name });
  const options = { numSamples: 1, maxTokens: 8, temperature: 0, topK: -1, topP: 1, seed: 1, stopTokens: [] };
  const { sequences } = await engine.sample('s', { ...options, prompt: Int32Array.of(1, 2), promptLogprobs: false });
  await engine.close();
  const passes = [before, after].flatMap(({ outputs }) =>
    outputs.flatMap(({ logprobs }) => [...(logprobs?.data ?? [])]),
  );
  return [...passes, ...(sequences[0]?.logprobs ?? [])];
}

describe('devices', () => {
  it.each(['webgpu', 'cuda'] as const)('%s computes what the CPU does, or says why it can not', async (device) => {
    const found = await computeOn(device).catch((error: unknown) => {
      if (error instanceof TinkerError && error.code === 'invalid_config') return error;
      throw error;
    });
    if (found instanceof TinkerError) {
      console.log(`SKIP  results of ${device}: ${found.message}`);
      expect(found.message).toMatch(
        new RegExp(
          `^Expected the device ${device}, which onnxruntime-node [\\d.]+ can't use here: .+\\. It needs .+ Or take cpu\\.$`,
        ),
      );
      return;
    }
    const expected = await computeOn('cpu');
    found.forEach((value, i) => expect(Math.abs(value - (expected[i] ?? NaN))).toBeLessThan(1e-3));
  });

  it('are asked for at the start of the server, and need their runtime', async () => {
    await expect(startLocalServer({ device: 'webgpu', runtime: 'plain' })).rejects.toMatchObject({
      code: 'invalid_config',
      message: 'Expected the runtime onnxruntime-node for webgpu, got plain.',
    });
  });
});
