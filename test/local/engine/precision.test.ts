import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/graph/index.js';
import { eachWeight } from '../../../src/local/engine/baseModel.js';
import { createInProcessEngine } from '../../../src/local/engine/inProcessEngine.js';
import { LoadedModel } from '../../../src/local/engine/loadedModel.js';
import { loadRuntime } from '../../../src/local/engine/loadRuntime.js';
import { planMicroBatches } from '../../../src/local/engine/microBatches.js';
import { passBytes } from '../../../src/local/engine/passBytes.js';
import { choosePrecision, lossOf, store, weightBytes, type Precision } from '../../../src/local/engine/precision.js';
import { input, mul, sum } from '../../../src/graph/index.js';
import { randomJob, smallConfig, smallModel, wholeLora } from './engineFixtures.js';

const job = { ...randomJob(1, [5, 9], smallConfig.vocabularySize, 'cross_entropy') };
const model = { ...smallModel, config: { ...smallConfig, hiddenSize: 32, headDim: 8, ffnSize: 48 } };

async function resultsIn(precision: Precision) {
  const told: string[] = [];
  const engine = await createInProcessEngine({ baseModels: [model], threads: 1, precision }, (level, message) => {
    told.push(`${level}: ${message}`);
  });
  await engine.createModel('m', model.name, wholeLora);
  const { outputs } = await engine.forwardBackward('m', job);
  const { metrics } = await engine.optimStep('m', {
    learning_rate: 0.01,
    beta1: 0.9,
    beta2: 0.95,
    eps: 1e-8,
    weight_decay: 0,
    grad_clip_norm: 0,
  });
  await engine.createSampler('s', { baseModel: model.name });
  const prompt = Int32Array.of(1, 2, 3);
  const options = { numSamples: 1, maxTokens: 4, temperature: 0, topK: -1, topP: 1, seed: 1, stopTokens: [] };
  const sample = await engine.sample('s', { ...options, prompt, promptLogprobs: true });
  await engine.close();
  const logprobs = outputs.flatMap(({ logprobs: values }) => [...(values?.data ?? [])]);
  return { logprobs, norm: metrics['grad_norm:mean'] ?? NaN, scores: [...(sample.promptLogprobs ?? [])], told };
}

const farthest = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? NaN))));

describe('weights in a lower precision', () => {
  it.each([
    ['float16', 5e-3],
    ['int8', 5e-2],
  ] as const)('in %s give logprobs and gradients within %d, and tell what they lost', async (precision, tolerance) => {
    const exact = await resultsIn('float32');
    const rounded = await resultsIn(precision);
    expect(exact.told).toEqual([]);
    expect(rounded.told).toEqual([
      expect.stringMatching(`^warn: Keeping the weights of test/small in ${precision}: .* % \\(root mean square\\)`),
    ]);
    for (const distance of [farthest(rounded.logprobs, exact.logprobs), farthest(rounded.scores, exact.scores)]) {
      expect(distance).toBeLessThan(tolerance);
      expect(distance).toBeGreaterThan(0);
    }
    expect(Math.abs(rounded.norm / exact.norm - 1)).toBeLessThan(tolerance);
  });

  it.each(['float16', 'int8'] as const)('lose little in %s', (precision) => {
    for (const [name, { data, shape }] of eachWeight(model)) {
      const { lost, all } = lossOf(name, data, store(name, data, shape, precision));
      expect(Math.sqrt(lost / all), name).toBeLessThan(shape.length === 1 ? 1e-9 : precision === 'int8' ? 1e-2 : 3e-4);
    }
  });

  it('keep in float32 what float16 does not hold', () => {
    const data = Float32Array.of(1, 70_000, 3, 4);
    expect(store('layers.0.q', data, [2, 2], 'float16')).toEqual({ 'layers.0.q': { data, shape: [2, 2] } });
  });
});

describe('choosePrecision', () => {
  const bytes = (precision: Precision): number => weightBytes(smallConfig, precision);

  it.each([
    ['float32', 2 * bytes('float32')],
    ['float16', 2 * bytes('float32') - 1],
    ['int8', 2 * bytes('float16') - 1],
    ['int8', bytes('int8')],
  ] as const)('takes %s with %d bytes', (precision, free) => {
    expect(choosePrecision('a', smallConfig, 'auto', free)).toBe(precision);
  });

  it('refuses with the numbers what does not fit', () => {
    expect(() => choosePrecision('my/model', smallConfig, 'auto', bytes('int8') - 1)).toThrow(
      /^Expected room for the weights of my\/model, which take \d+ MB in int8, got \d+ MB of free memory\./,
    );
    expect(() => choosePrecision('my/model', smallConfig, 'float32', bytes('float16'))).toThrow('a lower precision');
  });

  it('refuses what the runtime does not take, and passes it over by itself', () => {
    const possible = ['float32', 'int8'] as const;
    expect(() => choosePrecision('my/model', smallConfig, 'float16', 1e9, possible)).toThrow(
      /^Expected a precision of weights that the runtime can use here, float32 or int8, got float16\.$/,
    );
    expect(choosePrecision('my/model', smallConfig, 'auto', bytes('float32'), possible)).toBe('int8');
  });
});

describe('passBytes', () => {
  it('counts what lives at once', () => {
    const x = input('x', ['batch', 4]);
    const y = mul(mul(mul(x, 2), 3), 4);
    // Two of [batch, 4] at a time, in float32.
    expect(passBytes({ y })({ batch: 8 })).toBe(2 * 8 * 4 * 4);
    expect(passBytes({ y: sum(y) })({ batch: 8 })).toBe(2 * 8 * 4 * 4);
    expect(evaluate({ y }, { x: { data: Float32Array.of(1, 1, 1, 1), shape: [1, 4] } }).y.data[0]).toBe(24);
  });
});

describe('a memory limit', () => {
  const weights = weightBytes(smallConfig, 'float32');

  it('splits a batch, whose results stay the same, and refuses what does not fit alone', async () => {
    const batch = randomJob(1, [8, 8, 8, 8], smallConfig.vocabularySize, 'cross_entropy');
    const compute = async (memoryLimit?: number) => {
      const engine = await createInProcessEngine({
        baseModels: [smallModel],
        threads: 1,
        precision: 'float32',
        ...(memoryLimit !== undefined && { memoryLimit }),
      });
      await engine.createModel('m', smallModel.name, wholeLora);
      return engine.forwardBackward('m', batch);
    };
    const whole = await compute();
    const limit = await smallestLimit(compute);
    const split = await compute(limit);
    split.outputs.forEach(({ logprobs }, index) => {
      const expected = whole.outputs[index]?.logprobs?.data ?? [];
      logprobs?.data.forEach((value, i) => expect(Math.abs(value / (expected[i] ?? NaN) - 1)).toBeLessThan(1e-5));
    });
    await expect(compute(weights + 1000)).rejects.toMatchObject({
      code: 'bad_request',
      message: expect.stringMatching(
        /^Expected a pass that fits into the \d+ MB of memory that are free, got a sequence of 8 tokens, which takes about \d+ MB\./,
      ) as string,
    });
  });

  it('is what plans passes', async () => {
    const runtime = await loadRuntime('plain', 1);
    const loaded = new LoadedModel(smallModel, runtime);
    const x = input('x', ['batch', 'sequence']);
    const fits = loaded.rowsThatFit('key', () => ({ y: mul(x, 2) }));
    expect(fits(8)).toBeGreaterThan(1000);
  });

  /** The least power of two above the weights with which a pass runs. */
  async function smallestLimit(compute: (limit: number) => Promise<unknown>): Promise<number> {
    for (let spare = 1024; ; spare *= 2) {
      const limit = weights + spare;
      const fits = await compute(limit).then(
        () => true,
        () => false,
      );
      if (fits) return limit;
    }
  }
});

describe('planMicroBatches', () => {
  it('takes no more sequences at once than fit', () => {
    expect(planMicroBatches([8, 8, 8]).map(({ indices }) => indices)).toEqual([[0, 1, 2]]);
    expect(planMicroBatches([8, 8, 8], () => 2).map(({ indices }) => indices)).toEqual([[0, 1], [2]]);
  });
});
