import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/graph/index.js';
import { loadWeights } from '../../../src/local/engine/baseModel.js';
import { findLoss } from '../../../src/local/engine/checkForwardBackward.js';
import { createInProcessEngine } from '../../../src/local/engine/inProcessEngine.js';
import { loadRuntime } from '../../../src/local/engine/loadRuntime.js';
import { adapterTensors, loraLayout } from '../../../src/local/engine/loraLayout.js';
import { positionMask } from '../../../src/local/engine/losses.js';
import { trainingGraph } from '../../../src/local/engine/model.js';
import { passBytes } from '../../../src/local/engine/passBytes.js';
import { positionFeeds } from '../../../src/local/engine/positionFeeds.js';
import { weightBytes } from '../../../src/local/engine/precision.js';
import { Random } from '../../../src/local/engine/random.js';
import { adam, randomJob, randomTokens, smallConfig, smallModel, wholeLora } from './engineFixtures.js';

const config = { ...smallConfig, layers: 8, queryKeyNorm: true };
const model = { ...smallModel, config };
const layout = loraLayout(config, wholeLora);
const graphs = [false, true].map((recompute) =>
  trainingGraph(config, layout, findLoss('cross_entropy'), true, 1, recompute),
);
const [held = {}, recomputed = {}] = graphs;

function feeds(length: number): Parameters<typeof evaluate>[1] {
  const random = new Random(8);
  const adapter = Float32Array.from({ length: layout.size }, () => 0.05 * random.normal());
  const shape = [2, length];
  const filled = { data: new Float32Array(2 * length).fill(1), shape };
  return {
    ...loadWeights(model),
    ...adapterTensors(layout, adapter),
    tokens: { data: randomTokens(random, 2 * length, config.vocabularySize), shape },
    targets: { data: randomTokens(random, 2 * length, config.vocabularySize), shape },
    weights: filled,
    [positionMask]: filled,
    ...positionFeeds(config, 2, length),
  };
}

type Values = Readonly<Record<string, { readonly data: ArrayLike<number> }>>;

/** Root of the sum of squared differences over all outputs, as a share of the expected ones' own. */
function distance(actual: Values, expected: Values): number {
  let [difference, all] = [0, 0];
  for (const [name, { data }] of Object.entries(expected))
    Array.from(data).forEach((value, i) => {
      difference += ((actual[name]?.data[i] ?? NaN) - value) ** 2;
      all += value ** 2;
    });
  return Math.sqrt(difference / all);
}

describe('recomputeLayers', () => {
  it('leaves logprobs, losses and gradients as they are', async () => {
    expect(Object.keys(recomputed)).toEqual(Object.keys(held));
    const exact = graphs.map((graph) => evaluate(graph, feeds(6), { precision: 'float64' }));
    expect(distance(exact[1] ?? {}, exact[0] ?? {})).toBeLessThan(1e-12);
    const runtime = await loadRuntime('onnxruntime-node', 2);
    const inputs = feeds(16) as Parameters<Awaited<ReturnType<typeof runtime.compile>>['run']>[0];
    const [a = {}, b = {}] = await Promise.all(graphs.map(async (graph) => (await runtime.compile(graph)).run(inputs)));
    expect(distance(b, a)).toBeLessThan(1e-6);
  });

  it('holds the inputs of layers and the inside of one', () => {
    const sizes = { batch: 1, sequence: 64 };
    expect(passBytes(recomputed)(sizes)).toBeLessThan(0.3 * passBytes(held)(sizes));
  });

  it('is what an engine does where a sequence fits into the memory limit no other way', async () => {
    const length = 32;
    const job = randomJob(2, [length, length, 9], config.vocabularySize, 'cross_entropy');
    const train = async (memoryLimit?: number) => {
      const engine = await createInProcessEngine({
        baseModels: [model],
        threads: 1,
        precision: 'float32',
        ...(memoryLimit !== undefined && { memoryLimit }),
      });
      await engine.createModel('m', model.name, wholeLora);
      const { metrics } = await engine.forwardBackward('m', job);
      return { ...metrics, ...(await engine.optimStep('m', adam)).metrics };
    };
    const weights = weightBytes(config, 'float32');
    const [most = 0, least = 0] = graphs.map((graph) => 2 * passBytes(graph)({ batch: 1, sequence: length }));
    const free = await train();
    const limited = await train(weights + (most + least) / 2);
    // The data run one by one here, which rounds otherwise.
    for (const name of ['loss:sum', 'grad_norm:mean'] as const)
      expect(Math.abs((limited[name] ?? NaN) / (free[name] ?? NaN) - 1)).toBeLessThan(1e-5);
    await expect(train(weights + least / 2)).rejects.toMatchObject({ code: 'bad_request' });
  });
});
