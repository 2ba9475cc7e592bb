import { describe, expect, it } from 'vitest';
import type { Engine, ForwardBackwardJob, LoraShape } from '../../../src/local/engine/engine.js';
import { createInProcessEngine } from '../../../src/local/engine/inProcessEngine.js';
import { losses } from '../../../src/local/engine/losses.js';
import { Random } from '../../../src/local/engine/random.js';
import { readSafetensors } from '../../../src/local/engine/safetensors.js';
import { adam, nextTokenData, randomJob, randomTokens, smallModel, wholeLora } from './engineFixtures.js';

const base = smallModel.name;
const vocabulary = smallModel.config.vocabularySize;

async function withModel(
  use: (engine: Engine) => Promise<void>,
  options: Parameters<typeof createInProcessEngine>[0] = {},
): Promise<void> {
  const engine = await createInProcessEngine({ baseModels: [smallModel], threads: 2, ...options });
  await engine.createModel('m', base, wholeLora);
  await use(engine);
  await engine.close();
}

/** A few steps, so that B is no longer zero and every gradient flows. */
async function warmUp(engine: Engine, modelId = 'm'): Promise<void> {
  for (let step = 0; step < 2; step++) {
    await engine.forwardBackward(modelId, randomJob(step, [5, 9], vocabulary, 'cross_entropy'));
    await engine.optimStep(modelId, adam);
  }
}

/** The accumulated gradient, as the change that plain descent (beta1 and beta2 0, eps large) makes of it. */
async function takeGradient(engine: Engine, modelId = 'm'): Promise<number[]> {
  const rate = 1e6;
  const before = await engine.saveState(modelId, { optimizer: false });
  await engine.optimStep(modelId, { ...adam, learning_rate: rate, beta1: 0, beta2: 0, eps: rate });
  const after = await engine.saveState(modelId, { optimizer: false });
  const [from, to] = [before, after].map(({ adapter }) => readSafetensors(adapter).tensors);
  await engine.loadState(modelId, before);
  return Object.entries(to ?? {}).flatMap(([name, { data }]) =>
    Array.from(data, (value, i) => value - (from?.[name]?.data[i] ?? NaN)),
  );
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, relative: number): void {
  expect(actual.length).toBe(expected.length);
  const scale = Math.hypot(...Array.from(expected)) / Math.sqrt(expected.length);
  Array.from(expected).forEach((value, i) => {
    expect(Math.abs((actual[i] ?? NaN) - value)).toBeLessThan(relative * Math.max(scale, Math.abs(value)));
  });
}

describe('training', () => {
  it.each(Object.keys(losses))('answers each datum of a batch as if it were alone: %s', async (loss) => {
    await withModel(async (engine) => {
      await warmUp(engine);
      const job = randomJob(3, [7, 1, 20, 8, 33], vocabulary, loss);
      const together = await engine.forwardBackward('m', { ...job, backward: false });
      for (const [i, datum] of job.data.entries()) {
        const alone = await engine.forwardBackward('m', { ...job, data: [datum], backward: false });
        expect(together.outputs[i]?.logprobs?.shape).toEqual([datum.tokens.length]);
        expectClose(together.outputs[i]?.logprobs?.data ?? [], alone.outputs[0]?.logprobs?.data ?? [], 1e-5);
        const elementwise = alone.outputs[0]?.elementwise_loss?.data ?? [];
        expectClose(together.outputs[i]?.elementwise_loss?.data ?? [], elementwise, 1e-5);
      }
    });
  });

  it('sums gradients over calls as over one batch, and a forward adds none', async () => {
    await withModel(async (engine) => {
      await warmUp(engine);
      const job = randomJob(4, [7, 12, 3], vocabulary, 'cross_entropy');
      await engine.forwardBackward('m', job);
      const together = await takeGradient(engine);
      for (const datum of job.data) await engine.forwardBackward('m', { ...job, data: [datum] });
      await engine.forwardBackward('m', { ...job, backward: false });
      expectClose(await takeGradient(engine), together, 1e-3);
      const cleared = await takeGradient(engine);
      expect(cleared.every((value) => value === 0)).toBe(true);
    });
  });

  it('reports the sum of the losses and the number of positions', async () => {
    await withModel(async (engine) => {
      const { metrics, outputs } = await engine.forwardBackward('m', randomJob(5, [4, 6], vocabulary, 'ppo'));
      const sum = outputs
        .flatMap(({ elementwise_loss: losses }) => Array.from(losses?.data ?? []))
        .reduce((total, value) => total + value, 0);
      expect(metrics['loss:sum']).toBeCloseTo(sum, 10);
      expect(metrics['num_tokens:sum']).toBe(10);
    });
  });

  it('runs large batches in parts: 300 data as 3 calls of 100', async () => {
    const engine = await createInProcessEngine({ threads: 2 });
    const [rank, tiny] = [4, 'rxtinker/tiny'];
    await engine.createModel('m', tiny, { ...wholeLora, rank });
    const job = randomJob(
      6,
      Array.from({ length: 300 }, (_, i) => 8 + (i % 20)),
      1024,
      'cross_entropy',
    );
    const whole = await engine.forwardBackward('m', { ...job, backward: false });
    let sum = 0;
    for (let start = 0; start < 300; start += 100) {
      const part = await engine.forwardBackward('m', {
        ...job,
        data: job.data.slice(start, start + 100),
        backward: false,
      });
      sum += part.metrics['loss:sum'] ?? NaN;
    }
    expect(Math.abs((whole.metrics['loss:sum'] ?? NaN) - sum)).toBeLessThan(1e-5 * Math.abs(sum));
  });

  it('learns 8 sentences', async () => {
    const engine = await createInProcessEngine({ threads: 2 });
    await engine.createModel('m', 'rxtinker/tiny', { ...wholeLora, rank: 8 });
    const random = new Random(8);
    const data = nextTokenData(Array.from({ length: 8 }, () => randomTokens(random, 16, 1024)));
    const job: ForwardBackwardJob = { data, loss: 'cross_entropy', config: {}, backward: true };
    const history: number[] = [];
    for (let step = 0; step < 12; step++) {
      const { metrics } = await engine.forwardBackward('m', job);
      history.push(metrics['loss:sum'] ?? NaN);
      const { metrics: taken } = await engine.optimStep('m', adam);
      expect(taken['grad_norm:mean']).toBeGreaterThan(0);
      expect(taken['learning_rate:mean']).toBe(adam.learning_rate);
    }
    expect(history[0]).toBeGreaterThan(8 * 15 * 5);
    expect(history.at(-1)).toBeLessThan(0.1 * (history[0] ?? 0));
  });

  it('gives the same bits in a forward pass as in one with a backward pass', async () => {
    await withModel(async (engine) => {
      await warmUp(engine);
      const job = randomJob(3, [33, 9, 20], vocabulary, 'cross_entropy');
      const passes = [false, true].map((backward) => engine.forwardBackward('m', { ...job, backward }));
      const [alone, both] = await Promise.all(passes);
      expect(alone?.outputs).toEqual(both?.outputs);
      expect(alone?.metrics).toEqual(both?.metrics);
    });
  });

  it('gives the same bits for the same requests at 1, 2 and 4 threads', async () => {
    const states: unknown[] = [];
    for (const threads of [1, 2, 4]) {
      const engine = await createInProcessEngine({ threads });
      await engine.createModel('m', 'rxtinker/tiny', { ...wholeLora, rank: 4 });
      const outputs = [];
      for (let step = 0; step < 2; step++) {
        const job = randomJob(step, [40, 64, 64, 17], 1024, 'cross_entropy');
        outputs.push(await engine.forwardBackward('m', job), await engine.optimStep('m', adam));
      }
      states.push({ outputs, state: await engine.saveState('m', { optimizer: true }) });
    }
    for (const state of states) expect(state).toEqual(states[0]);
  });

  it('does not depend on what other models do in between', async () => {
    const run = async (disturb: boolean): Promise<unknown> => {
      const engine = await createInProcessEngine({ baseModels: [smallModel] });
      await engine.createModel('a', base, wholeLora);
      await engine.createModel('b', base, { ...wholeLora, seed: 99 });
      const job = randomJob(1, [5, 30, 30], vocabulary, 'cross_entropy');
      const calls = [engine.forwardBackward('a', job), engine.optimStep('a', adam), engine.forwardBackward('a', job)];
      if (disturb) calls.push(engine.forwardBackward('b', job), engine.optimStep('b', adam));
      return (await Promise.all(calls)).slice(0, 3);
    };
    expect(await run(true)).toEqual(await run(false));
  });

  it.each(['plain', 'onnxruntime-web'] as const)('computes on %s what it does on onnxruntime-node', async (runtime) => {
    const results: number[][] = [];
    for (const name of ['onnxruntime-node', runtime] as const)
      await withModel(
        async (engine) => {
          expect(engine.runtime).toContain(name);
          await warmUp(engine);
          const { outputs } = await engine.forwardBackward('m', randomJob(2, [6, 11], vocabulary, 'ppo'));
          results.push(outputs.flatMap(({ logprobs }) => Array.from(logprobs?.data ?? [])));
        },
        { runtime: name, threads: 1 },
      );
    expectClose(results[1] ?? [], results[0] ?? [], 1e-3);
  });
});

describe('the state of a model', () => {
  it('comes back exactly, optimizer included', async () => {
    await withModel(async (engine) => {
      await warmUp(engine);
      const saved = await engine.saveState('m', { optimizer: true });
      await engine.createModel('copy', base, { ...wholeLora, seed: 1234 });
      await engine.loadState('copy', saved);
      expect(await engine.saveState('copy', { optimizer: true })).toEqual(saved);
      await warmUp(engine, 'm');
      await warmUp(engine, 'copy');
      const [original, copy] = [
        await engine.saveState('m', { optimizer: true }),
        await engine.saveState('copy', { optimizer: true }),
      ];
      expect(copy).toEqual(original);
    });
  });

  it('starts a fresh optimizer where none is loaded, and drops the gradient', async () => {
    await withModel(async (engine) => {
      await warmUp(engine);
      const saved = await engine.saveState('m', { optimizer: true });
      await engine.forwardBackward('m', randomJob(9, [9], vocabulary, 'cross_entropy'));
      await engine.loadState('m', { adapter: saved.adapter });
      const { metrics } = await engine.optimStep('m', adam);
      expect(metrics['grad_norm:mean']).toBe(0);
      const again = await engine.saveState('m', { optimizer: true });
      expect(again.adapter).toEqual(saved.adapter);
      expect(again.optimizer).not.toEqual(saved.optimizer);
    });
  });

  it('has the names and shapes of Hugging Face PEFT', async () => {
    await withModel(async (engine) => {
      const { adapter, optimizer } = await engine.saveState('m', { optimizer: false });
      expect(optimizer).toBeUndefined();
      const { tensors } = readSafetensors(adapter);
      const down = 'base_model.model.model.layers.1.mlp.down_proj';
      expect(tensors[`${down}.lora_A.weight`]?.shape).toEqual([2, 12]);
      expect(tensors[`${down}.lora_B.weight`]?.shape).toEqual([8, 2]);
      expect(tensors['base_model.model.model.layers.0.self_attn.k_proj.lora_B.weight']?.shape).toEqual([8, 2]);
      expect(tensors['base_model.model.lm_head.lora_B.weight']?.shape).toEqual([13, 2]);
      expect(Object.keys(tensors)).toHaveLength(2 * (2 * 7 + 1));
    });
  });

  it('starts with A uniform in ±1/√inputs by its seed, and B zero', async () => {
    await withModel(async (engine) => {
      const { tensors } = readSafetensors((await engine.saveState('m', { optimizer: false })).adapter);
      for (const [name, { data, shape }] of Object.entries(tensors)) {
        const bound = name.includes('lora_A') ? 1 / Math.sqrt(shape[1] ?? 0) : 0;
        const largest = Math.max(...Array.from(data, Math.abs));
        expect(largest).toBeLessThanOrEqual(bound);
        if (bound > 0) expect(largest).toBeGreaterThan(0.6 * bound);
      }
      await engine.createModel('same', base, wholeLora);
      await engine.createModel('other', base, { ...wholeLora, seed: 8 });
      const adapterOf = async (id: string): Promise<unknown> =>
        (await engine.saveState(id, { optimizer: false })).adapter;
      expect(await adapterOf('same')).toEqual(await adapterOf('m'));
      expect(await adapterOf('other')).not.toEqual(await adapterOf('m'));
    });
  });

  it('is left as it was by what fails', async () => {
    await withModel(async (engine) => {
      await warmUp(engine);
      const saved = await engine.saveState('m', { optimizer: true });
      const job = randomJob(9, [9, 4], vocabulary, 'importance_sampling');
      job.data[1]?.inputs.logprobs?.data.fill(-1e4);
      const call = engine.forwardBackward('m', job);
      await expect(call).rejects.toThrow('Expected a finite number as the loss of data[1] at position 0, got');
      await expect(engine.optimStep('m', { ...adam, beta1: 1 })).rejects.toThrow(
        'Expected a beta1 from 0 to below 1, got 1.',
      );
      const otherRank = await (async () => {
        await engine.createModel('other', base, { ...wholeLora, rank: 3 });
        return engine.saveState('other', { optimizer: true });
      })();
      await expect(engine.loadState('m', otherRank)).rejects.toThrow(
        'Expected a float32 tensor base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight of shape [2, 8], got shape [3, 8].',
      );
      const wrongOptimizer = { adapter: saved.adapter, optimizer: otherRank.optimizer ?? new Uint8Array() };
      await expect(engine.loadState('m', wrongOptimizer)).rejects.toMatchObject({ code: 'bad_request' });
      expect(await engine.saveState('m', { optimizer: true })).toEqual(saved);
      const { metrics } = await engine.optimStep('m', adam);
      expect(metrics['grad_norm:mean']).toBe(0);
    });
  });

  it('refuses unknown and taken names, and shapes that are none', async () => {
    await withModel(async (engine) => {
      const lora = (change: Partial<LoraShape>): Promise<void> =>
        engine.createModel('n', base, { ...wholeLora, ...change });
      await expect(engine.createModel('m', base, wholeLora)).rejects.toThrow(
        'Expected a new model, got "m", which exists.',
      );
      await expect(engine.createModel('n', 'x', wholeLora)).rejects.toThrow(
        'Expected a base model of test/small, got "x".',
      );
      await expect(lora({ rank: 0 })).rejects.toThrow('Expected a rank from 1 to 512, got 0.');
      await expect(lora({ trainAttention: false, trainMlp: false, trainUnembedding: false })).rejects.toThrow(
        'got none of them',
      );
      await expect(engine.optimStep('n', adam)).rejects.toMatchObject({ code: 'not_found' });
      const last = engine.forwardBackward('m', randomJob(1, [3], vocabulary, 'cross_entropy'));
      const unloaded = engine.unloadModel('m');
      await expect(engine.optimStep('m', adam)).rejects.toThrow('Expected a model that is loaded, got "m".');
      expect((await last).outputs).toHaveLength(1);
      await unloaded;
    });
  });
});
