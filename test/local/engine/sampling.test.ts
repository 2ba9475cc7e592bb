import { describe, expect, it } from 'vitest';
import type { Engine, SampleJob } from '../../../src/local/engine/engine.js';
import type { EngineOptions } from '../../../src/local/engine/engineOptions.js';
import { createInProcessEngine } from '../../../src/local/engine/inProcessEngine.js';
import { Random } from '../../../src/local/engine/random.js';
import { adam, nextTokenData, randomJob, randomTokens, smallModel, wholeLora } from './engineFixtures.js';

const base = smallModel.name;
const { vocabularySize: vocabulary, contextLength } = smallModel.config;

const greedy: SampleJob = {
  prompt: Int32Array.of(3, 1, 4, 1, 5),
  numSamples: 1,
  maxTokens: 12,
  temperature: 0,
  topK: -1,
  topP: 1,
  seed: 1,
  stopTokens: [],
  promptLogprobs: false,
};

/** An engine with a model m away from its start, and a sampler s of the same weights. */
async function trained(options: EngineOptions = {}): Promise<Engine> {
  const engine = await createInProcessEngine({ baseModels: [smallModel], threads: 1, ...options });
  await engine.createModel('m', base, wholeLora);
  for (let step = 0; step < 3; step++) {
    await engine.forwardBackward('m', randomJob(step, [20, 9], vocabulary, 'cross_entropy'));
    await engine.optimStep('m', adam);
  }
  const { adapter } = await engine.saveState('m', { optimizer: false });
  await engine.createSampler('s', { baseModel: base, lora: wholeLora, adapter });
  return engine;
}

/** The training forward's logprobs of each token of a sequence but the first. */
async function forwardLogprobs(engine: Engine, tokens: Int32Array): Promise<Float32Array | Int32Array> {
  const job = { data: nextTokenData([tokens]), loss: 'cross_entropy', config: {}, backward: false };
  const { outputs } = await engine.forwardBackward('m', job);
  return outputs[0]?.logprobs?.data ?? new Float32Array();
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  Array.from(expected).forEach((value, i) => {
    expect(Math.abs((actual[i] ?? NaN) - value)).toBeLessThan(tolerance);
  });
}

describe('sampling', () => {
  it.each(['onnxruntime-node', 'plain'] as const)(
    'scores what it draws as the training forward does, on %s',
    async (runtime) => {
      const engine = await trained({ runtime });
      const options = { temperature: 1.5, topK: 6, topP: 0.9, numSamples: 5, seed: 8, promptLogprobs: true };
      const { sequences, promptLogprobs } = await engine.sample('s', { ...greedy, ...options });
      expect(sequences).toHaveLength(5);
      for (const { tokens, logprobs, stopReason } of sequences) {
        expect(stopReason).toBe('length');
        expect(tokens).toHaveLength(12);
        const scored = await forwardLogprobs(engine, Int32Array.of(...greedy.prompt, ...tokens));
        expectClose([...(promptLogprobs ?? []), ...logprobs], scored, 1e-4);
      }
      expect(new Set(sequences.map(({ tokens }) => tokens.join())).size).toBeGreaterThan(1);
    },
  );

  it('takes the likeliest token of a full forward each time, with the cache', async () => {
    const engine = await trained();
    const { sequences } = await engine.sample('s', { ...greedy, maxTokens: 20 });
    let known = [...greedy.prompt];
    for (const token of sequences[0]?.tokens ?? []) {
      const candidates = Array.from({ length: vocabulary }, (_, next) => Int32Array.of(...known, next));
      const scores: number[] = [];
      for (const candidate of candidates) scores.push((await forwardLogprobs(engine, candidate)).at(-1) ?? NaN);
      expect(token).toBe(scores.indexOf(Math.max(...scores)));
      known = [...known, token];
    }
  });

  it('reads a prompt longer than a chunk', async () => {
    const engine = await createInProcessEngine({ threads: 1 });
    await engine.createModel('m', 'rxtinker/tiny', wholeLora);
    await engine.createSampler('s', { baseModel: 'rxtinker/tiny' });
    const prompt = randomTokens(new Random(3), 600, 1024);
    const { promptLogprobs } = await engine.sample('s', { ...greedy, prompt, promptLogprobs: true, maxTokens: 1 });
    expectClose(promptLogprobs ?? [], await forwardLogprobs(engine, prompt), 1e-4);
  });

  it('ends at stop tokens, which it keeps', async () => {
    const engine = await trained();
    const free = (await engine.sample('s', greedy)).sequences[0]?.tokens ?? new Int32Array();
    const stop = free[4] ?? NaN;
    const { sequences } = await engine.sample('s', { ...greedy, stopTokens: [vocabulary - 1, stop] });
    expect(sequences[0]?.stopReason).toBe('stop');
    const end = free.findIndex((token) => token === stop || token === vocabulary - 1);
    expect(sequences[0]?.tokens).toEqual(free.slice(0, end + 1));
  });

  it('goes on until the context is full where no maximum is given', async () => {
    const engine = await trained();
    const { maxTokens, ...endless } = greedy;
    expect(maxTokens).toBe(12);
    const [whole] = (await engine.sample('s', endless)).sequences;
    expect(whole?.tokens).toHaveLength(contextLength - greedy.prompt.length);
    expect(whole?.stopReason).toBe('length');
    const full = new Int32Array(contextLength).fill(2);
    expect((await engine.sample('s', { ...endless, prompt: full })).sequences[0]?.tokens).toHaveLength(1);
  });

  it('draws the same for the same seed, and each sample of a job from a stream of its own', async () => {
    const engine = await trained();
    const job = { ...greedy, temperature: 1, numSamples: 4, seed: 42 };
    const first = await engine.sample('s', job);
    expect((await engine.sample('s', job)).sequences).toEqual(first.sequences);
    expect((await engine.sample('s', { ...job, seed: 43 })).sequences).not.toEqual(first.sequences);
    const fewer = await engine.sample('s', { ...job, numSamples: 2 });
    expect(fewer.sequences.map(({ tokens }) => tokens)).toEqual(
      first.sequences.slice(0, 2).map(({ tokens }) => tokens),
    );
  });

  it('draws more samples than it has rows', async () => {
    const engine = await trained();
    const job = { ...greedy, temperature: 1, numSamples: 70, maxTokens: 3 };
    const { sequences } = await engine.sample('s', job);
    expect(sequences).toHaveLength(70);
    expect(sequences.every(({ tokens }) => tokens.length === 3)).toBe(true);
  });

  it.each([false, true])('answers many jobs at once as one by one (deterministic: %s)', async (deterministic) => {
    const engine = await trained({ deterministic });
    const random = new Random(6);
    const jobs = Array.from({ length: 12 }, (_, i) => ({
      ...greedy,
      prompt: randomTokens(random, 1 + (i % 7), vocabulary),
      maxTokens: 2 + ((5 * i) % 11),
      numSamples: 1 + (i % 3),
      temperature: i % 2,
      seed: i,
    }));
    const together = await Promise.all(jobs.map((job) => engine.sample('s', job)));
    for (const [i, job] of jobs.entries()) {
      const alone = await engine.sample('s', job);
      if (deterministic) expect(together[i]?.sequences).toEqual(alone.sequences);
      alone.sequences.forEach(({ tokens, logprobs }, sample) => {
        expect(together[i]?.sequences[sample]?.tokens).toEqual(tokens);
        expectClose(together[i]?.sequences[sample]?.logprobs ?? [], logprobs, 1e-4);
      });
    }
  });

  it('lets short work pass while a long sample is drawn', async () => {
    const engine = await trained();
    const finished: string[] = [];
    const note = (name: string) => (): void => void finished.push(name);
    const { maxTokens: _, ...endless } = greedy;
    await Promise.all([
      engine.sample('s', { ...endless, numSamples: 8 }).then(note('long')),
      engine.sample('s', { ...greedy, maxTokens: 1 }).then(note('short')),
      engine.forwardBackward('m', randomJob(1, [4], vocabulary, 'cross_entropy')).then(note('training')),
    ]);
    expect(finished.at(-1)).toBe('long');
  });

  it('keeps its weights while the model trains on', async () => {
    const engine = await trained();
    const { sequences } = await engine.sample('s', greedy);
    await engine.forwardBackward('m', randomJob(1, [4], vocabulary, 'cross_entropy'));
    await engine.optimStep('m', { ...adam, learning_rate: 1 });
    expect((await engine.sample('s', greedy)).sequences).toEqual(sequences);
  });

  it.each<[string, Partial<SampleJob>, string]>([
    [
      'an empty prompt',
      { prompt: new Int32Array() },
      'Expected at least one token in the prompt, got an empty prompt.',
    ],
    ['a prompt that is too long', { prompt: new Int32Array(41) }, 'Expected at most 40 tokens in the prompt, got 41.'],
    [
      'a token outside the vocabulary',
      { prompt: Int32Array.of(1, 13) },
      'Expected integers from 0 to 12 as tokens of the prompt, got 13 at position 1.',
    ],
    ['no samples', { numSamples: 0 }, 'Expected a positive integer as numSamples, got 0.'],
    ['no tokens', { maxTokens: 0 }, 'Expected a positive integer as maxTokens, got 0.'],
    ['a negative temperature', { temperature: -1 }, 'Expected a temperature from 0, got -1.'],
    ['topK 0', { topK: 0 }, 'Expected −1 or a positive integer as topK, got 0.'],
    ['topP 0', { topP: 0 }, 'Expected topP above 0 and up to 1, got 0.'],
    ['a seed that is no integer', { seed: 0.5 }, 'Expected an integer as seed, got 0.5.'],
    [
      'a stop token outside the vocabulary',
      { stopTokens: [0, 99] },
      'Expected integers from 0 to 12 as stop tokens, got 99.',
    ],
  ])('refuses %s', async (_, change, message) => {
    const engine = await createInProcessEngine({ baseModels: [smallModel], runtime: 'plain' });
    await engine.createSampler('s', { baseModel: base });
    const job = { ...greedy, ...change };
    expect(() => {
      engine.checkSample(base, job);
    }).toThrow(message);
    await expect(engine.sample('s', job)).rejects.toThrow(message);
    await expect(engine.sample('s', job)).rejects.toMatchObject({ code: 'bad_request' });
  });

  it('refuses samplers that are unknown, taken or incomplete', async () => {
    const engine = await trained();
    await expect(engine.sample('x', greedy)).rejects.toMatchObject({ code: 'not_found' });
    await expect(engine.createSampler('s', { baseModel: base })).rejects.toMatchObject({ code: 'conflict' });
    await expect(engine.createSampler('t', { baseModel: base, lora: wholeLora })).rejects.toMatchObject({
      code: 'bad_request',
    });
    const { adapter } = await engine.saveState('m', { optimizer: false });
    const otherShape = engine.createSampler('t', { baseModel: base, lora: { ...wholeLora, trainMlp: false }, adapter });
    await expect(otherShape).rejects.toThrow(
      "Expected weights of this adapter's form, got base_model.model.model.layers.0.mlp.gate_proj",
    );
    await engine.removeSampler('s');
    await expect(engine.sample('s', greedy)).rejects.toMatchObject({ code: 'not_found' });
  });
});
