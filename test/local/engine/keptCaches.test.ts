import { describe, expect, it } from 'vitest';
import type { SampleJob, SampleResult } from '../../../src/local/engine/engine.js';
import { LoadedModel } from '../../../src/local/engine/loadedModel.js';
import { loadRuntime } from '../../../src/local/engine/loadRuntime.js';
import { cacheNames } from '../../../src/local/engine/model.js';
import { PromptCache } from '../../../src/local/engine/promptCache.js';
import type { Runtime, RuntimeInputs, Tensors } from '../../../src/local/engine/runtime.js';
import { Sampler } from '../../../src/local/engine/sampler.js';
import { smallConfig, smallModel } from './engineFixtures.js';

const onnx = await loadRuntime('onnxruntime-node', 1);
const caches = Array.from({ length: smallConfig.layers }, (_, layer) => cacheNames(layer));

/** What a device holds after a pass of one token a row: the caches that it was given, with the new keys and values. */
function next(inputs: RuntimeInputs, results: Tensors): RuntimeInputs {
  const pairs = caches.flatMap(({ pastKey, pastValue, key, value }) => [[pastKey, key] as const, [pastValue, value]]);
  const held = pairs.map(([past, fresh]): [string, RuntimeInputs[string]] => {
    const [old, added] = [inputs[past], results[fresh]?.data];
    if (!(old?.data instanceof Float32Array)) throw new Error(`The pass was not given ${past}.`);
    const [rows = 0, heads = 0, slots = 0, headDim = 0] = old.shape;
    const data = old.data.slice();
    for (let row = 0; row < rows; row++)
      for (let head = 0; head < heads; head++)
        for (let i = 0; i < headDim; i++) {
          const slot = inputs.ends?.data[row] ?? 0;
          data[((row * heads + head) * slots + slot) * headDim + i] = added?.[(row * heads + head) * headDim + i] ?? 0;
        }
    return [past, { data, shape: old.shape }];
  });
  return Object.fromEntries(held);
}

/** The runtime as a device that keeps caches; counts the passes that were given caches and those that were not. */
function keeping() {
  const counts = { given: 0, left: 0, dropped: 0 };
  const runtime: Runtime = {
    ...onnx,
    async compile(...args) {
      const program = await onnx.compile(...args);
      const left = new WeakMap<object, RuntimeInputs>();
      return {
        async run(inputs, keeper) {
          if (keeper === undefined) return program.run(inputs);
          counts[cacheNames(0).pastKey in inputs ? 'given' : 'left']++;
          const all = { ...left.get(keeper), ...inputs };
          const results = await program.run(all);
          left.set(keeper, next(all, results));
          return results;
        },
        kept: {
          has: (keeper) => left.has(keeper),
          drop: (keeper) => {
            counts.dropped++;
            left.delete(keeper);
          },
        },
      };
    },
  };
  return { runtime, counts };
}

async function draw(runtime: Runtime): Promise<SampleResult[]> {
  const sampler = new Sampler(new LoadedModel(smallModel, runtime), undefined, true, new PromptCache(() => 0));
  const job: SampleJob = {
    prompt: Int32Array.of(1, 2),
    numSamples: 3,
    maxTokens: 34,
    temperature: 1,
    topK: -1,
    topP: 1,
    seed: 5,
    stopTokens: [0],
    promptLogprobs: false,
  };
  const jobs = [job, { ...job, prompt: Int32Array.of(4, 5, 6), seed: 6, maxTokens: 9 }, { ...job, numSamples: 1 }];
  const first = Promise.all(jobs.map((each) => sampler.sample(each)));
  while (await sampler.advance());
  const second = sampler.sample({ ...job, seed: 7, stopTokens: [] });
  while (await sampler.advance());
  return [...(await first), await second];
}

describe('caches that a device keeps', () => {
  it('give the same samples, and are given anew where rows come, go or grow', async () => {
    const { runtime, counts } = keeping();
    expect(await draw(runtime)).toEqual(await draw(onnx));
    expect(counts.left).toBeGreaterThan(2 * counts.given);
    expect(counts.given).toBeGreaterThan(3);
    // Nothing is left there once all samples are drawn.
    expect(counts.dropped).toBe(2);
  });
});
