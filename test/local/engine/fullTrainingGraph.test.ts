import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/graph/index.js';
import { loadWeights } from '../../../src/local/engine/baseModel.js';
import { findLoss } from '../../../src/local/engine/checkForwardBackward.js';
import { fullTrainingGraph } from '../../../src/local/engine/fullTrainingGraph.js';
import { gradientName } from '../../../src/local/engine/model.js';
import { positionFeeds } from '../../../src/local/engine/positionFeeds.js';
import { Random } from '../../../src/local/engine/random.js';
import type { Tensors } from '../../../src/local/engine/runtime.js';
import { randomTokens, smallConfig, smallModel } from './engineFixtures.js';

const shape = [2, 6];

describe('fullTrainingGraph', () => {
  it.each([
    ['embeddings of its own at both ends', smallConfig],
    ['one embedding for both ends', { ...smallConfig, tiedEmbeddings: true }],
    ['biases and norms of queries and keys', { ...smallConfig, queryKeyValueBias: true, queryKeyNorm: true }],
  ])('gives the derivative by every weight: %s', (_, config) => {
    const random = new Random(3);
    const graph = fullTrainingGraph(config, findLoss('cross_entropy'));
    const weights = loadWeights({ ...smallModel, config });
    const inputs: Tensors = {
      tokens: { data: randomTokens(random, 12, config.vocabularySize), shape },
      targets: { data: randomTokens(random, 12, config.vocabularySize), shape },
      weights: { data: Float32Array.from({ length: 12 }, () => random.uniform()), shape },
      ...positionFeeds(config, 2, 6),
    };
    const { losses, ...gradients } = evaluate(graph, { ...weights, ...inputs });
    expect(losses?.shape).toEqual(shape);
    const lossAt = (name: string, data: Float32Array): number => {
      const weight = { data, shape: weights[name]?.shape ?? [] };
      const { losses: at } = evaluate({ losses: graph.losses ?? fail() }, { ...weights, ...inputs, [name]: weight });
      return Array.from(at.data).reduce((sum, value) => sum + value, 0);
    };
    const step = 1e-2;
    for (const [name, { data }] of Object.entries(weights)) {
      const gradient = gradients[gradientName(name)]?.data ?? new Float32Array();
      expect(gradient).toHaveLength(data.length);
      const direction = Float32Array.from(data, () => random.normal() / Math.sqrt(data.length));
      const moved = (sign: number): Float32Array =>
        Float32Array.from(data, (value, i) => value + sign * step * (direction[i] ?? 0));
      const expected = (lossAt(name, moved(1)) - lossAt(name, moved(-1))) / (2 * step);
      const got = direction.reduce((sum, part, i) => sum + part * (gradient[i] ?? 0), 0);
      expect(Math.abs(got - expected), name).toBeLessThan(2e-3 * (1 + Math.abs(expected)));
    }
  });
});

function fail(): never {
  throw new Error('The graph has no losses.');
}
