import { describe, expect, it } from 'vitest';
import type { SampleJob, SampleResult } from '../../../src/local/engine/engine.js';
import { KeyValueCache, keyValueBytes } from '../../../src/local/engine/keyValueCache.js';
import { LoadedModel } from '../../../src/local/engine/loadedModel.js';
import { loadRuntime } from '../../../src/local/engine/loadRuntime.js';
import { MemoryGauge } from '../../../src/local/engine/memoryGauge.js';
import { weightBytes } from '../../../src/local/engine/precision.js';
import { PromptCache } from '../../../src/local/engine/promptCache.js';
import { Random } from '../../../src/local/engine/random.js';
import type { Runtime } from '../../../src/local/engine/runtime.js';
import { Sampler } from '../../../src/local/engine/sampler.js';
import { randomTokens, smallConfig, smallModel } from './engineFixtures.js';

const model = { ...smallModel, config: { ...smallConfig, contextLength: 700 } };
const onnx = await loadRuntime('onnxruntime-node', 1);

interface Drawing {
  readonly draw: (job: Partial<SampleJob>) => Promise<SampleResult>;
  /** Shapes [rows, tokens] of the passes since the last call. */
  readonly passes: () => number[][];
}

function drawing({ together = true, budget = 1e9, memory = new MemoryGauge(undefined) } = {}): Drawing {
  const shapes: number[][] = [];
  const counting: Runtime = {
    ...onnx,
    async compile(...args) {
      const program = await onnx.compile(...args);
      return {
        run: (inputs) => {
          shapes.push([...(inputs.tokens?.shape ?? [])]);
          return program.run(inputs);
        },
      };
    },
  };
  const loaded = new LoadedModel(model, counting, { memory });
  const sampler = new Sampler(loaded, undefined, together, new PromptCache(() => budget));
  const job = { prompt: Int32Array.of(1), numSamples: 2, maxTokens: 1, temperature: 1, topK: -1, topP: 1, seed: 3 };
  return {
    async draw(change) {
      const result = sampler.sample({ ...job, stopTokens: [], promptLogprobs: false, ...change });
      // Awaited below; an error that comes before is not unhandled.
      result.catch(() => undefined);
      while (await sampler.advance());
      return result;
    },
    passes: () => shapes.splice(0),
  };
}

const random = new Random(4);
const long = randomTokens(random, 600, smallConfig.vocabularySize);
const grown = Int32Array.of(...long.subarray(0, 520), ...randomTokens(random, 60, smallConfig.vocabularySize));

describe('prompts that begin alike', () => {
  it('are read once where they are the same, with the same samples', async () => {
    const { draw, passes } = drawing();
    const first = await draw({ prompt: long });
    expect(passes()).toEqual([256, 256, 88].map((tokens) => [1, tokens]));
    const second = await draw({ prompt: long });
    expect(passes()).toEqual([]);
    expect(second).toEqual({ ...first, promptCacheHitTokens: 600 });
    expect(first.promptCacheHitTokens).toBe(0);
  });

  it.each([
    { together: true, known: 520, read: [60] },
    // In the same parts as alone, which gives the same bits.
    { together: false, known: 512, read: [68] },
  ])('are read on from where they differ (together: $together)', async ({ together, known, read }) => {
    const alone = await drawing({ together }).draw({ prompt: grown, maxTokens: 4 });
    const { draw, passes } = drawing({ together });
    await draw({ prompt: long });
    passes();
    const shared = await draw({ prompt: grown, maxTokens: 4 });
    expect(shared.promptCacheHitTokens).toBe(known);
    expect(passes().slice(0, read.length)).toEqual(read.map((tokens) => [1, tokens]));
    expect(shared.sequences.map(({ tokens }) => tokens)).toEqual(alone.sequences.map(({ tokens }) => tokens));
    shared.sequences.forEach(({ logprobs }, sample) => {
      const expected = alone.sequences[sample]?.logprobs ?? new Float32Array();
      if (!together) expect(logprobs).toEqual(expected);
      logprobs.forEach((value, i) => expect(value).toBeCloseTo(expected[i] ?? NaN, 5));
    });
  });

  it('are read on after the sample that was drawn for one, as a chat grows', async () => {
    const { draw, passes } = drawing();
    const prompt = long.slice(0, 40);
    const { sequences } = await draw({ prompt, numSamples: 1, maxTokens: 9 });
    const chat = Int32Array.of(...prompt, ...(sequences[0]?.tokens ?? []), 5, 6, 7);
    passes();
    const grown = await draw({ prompt: chat, maxTokens: 3 });
    expect(grown.promptCacheHitTokens).toBe(48);
    expect(passes()[0]).toEqual([1, 4]);
    const alone = await drawing().draw({ prompt: chat, maxTokens: 3 });
    expect(grown.sequences.map(({ tokens }) => tokens)).toEqual(alone.sequences.map(({ tokens }) => tokens));
  });

  it('are read to the last token where one begins another', async () => {
    const { draw, passes } = drawing();
    await draw({ prompt: long });
    passes();
    expect((await draw({ prompt: long.slice(0, 300) })).promptCacheHitTokens).toBe(299);
    expect(passes()).toEqual([[1, 1]]);
  });

  it('are read anew where every position is scored, and beyond the budget', async () => {
    const { draw } = drawing();
    await draw({ prompt: long });
    expect((await draw({ prompt: long, promptLogprobs: true })).promptCacheHitTokens).toBe(0);
    const poor = drawing({ budget: 0 });
    await poor.draw({ prompt: long });
    expect((await poor.draw({ prompt: long })).promptCacheHitTokens).toBe(0);
  });
});

describe('PromptCache', () => {
  const read = (tokens: Int32Array) => {
    const cache = new KeyValueCache(smallConfig);
    cache.addRow();
    return { tokens, cache, next: new Float32Array(smallConfig.vocabularySize) };
  };
  const bytes = keyValueBytes(smallConfig, 1) + 4 * (smallConfig.vocabularySize + 2);

  it('lets the least recently used go, and those of other weights alone', () => {
    const cache = new PromptCache(() => 2 * bytes);
    const [weights, others] = [{}, {}];
    const [a, b, c] = [Int32Array.of(1, 2), Int32Array.of(3, 4), Int32Array.of(5, 6)];
    cache.add(weights, read(a));
    cache.add(weights, read(b));
    expect(cache.find(others, a)).toBeUndefined();
    expect(cache.find(weights, a)?.shared).toBe(2);
    cache.add(weights, read(c));
    expect(cache.find(weights, b)).toBeUndefined();
    expect(cache.find(weights, Int32Array.of(1, 9))?.shared).toBe(1);
    cache.drop(weights);
    expect(cache.find(weights, a)).toBeUndefined();
  });
});

describe('a memory limit on samples', () => {
  const weights = weightBytes(model.config, 'float32');
  const tokens = 40;
  const job = { prompt: long.slice(0, 30), maxTokens: 10, numSamples: 6 };

  it('draws fewer at once, with the same tokens', async () => {
    const { draw, passes } = drawing({ together: false });
    const free = await draw(job);
    expect(passes()[1]).toEqual([6, 1]);
    const limit = weights + 2 * 2.5 * keyValueBytes(model.config, tokens);
    const limited = drawing({ together: false, memory: new MemoryGauge(limit) });
    const { sequences } = await limited.draw(job);
    expect(limited.passes().every(([rows = NaN]) => rows <= 2)).toBe(true);
    expect(sequences.map(({ tokens: drawn }) => drawn)).toEqual(free.sequences.map(({ tokens: drawn }) => drawn));
  });

  it('refuses what does not fit alone, with the numbers', async () => {
    const { draw } = drawing({ memory: new MemoryGauge(weights + keyValueBytes(model.config, tokens)) });
    await expect(draw(job)).rejects.toMatchObject({
      code: 'bad_request',
      message: expect.stringMatching(
        /^Expected a sample that fits into the \d+ MB of memory that are free, got one of up to 40 tokens, prompt included, whose keys and values take about \d+ MB\./,
      ) as string,
    });
  });
});
