import { describe, expect, it } from 'vitest';
import { constant, evaluate, type Tensor } from '../../../src/graph/index.js';
import { loadWeights } from '../../../src/local/engine/baseModel.js';
import { findLoss } from '../../../src/local/engine/checkForwardBackward.js';
import type { LoraShape } from '../../../src/local/engine/engine.js';
import { loadRuntime } from '../../../src/local/engine/loadRuntime.js';
import { adapterTensors, loraLayout } from '../../../src/local/engine/loraLayout.js';
import { losses, positionMask } from '../../../src/local/engine/losses.js';
import { gradientName, trainingGraph } from '../../../src/local/engine/model.js';
import { positionFeeds } from '../../../src/local/engine/positionFeeds.js';
import { Random } from '../../../src/local/engine/random.js';
import type { Tensors } from '../../../src/local/engine/runtime.js';
import { randomDatum, smallConfig, smallModel, wholeLora } from './engineFixtures.js';

const rows = 3;
const length = 6;
const config = { beta: 0.05, clip_low_threshold: 0.7, clip_high_threshold: 1.4 };

/** Feeds of every input that some loss has, with an adapter away from zero. */
function feedsFor(lora: LoraShape): { feeds: Tensors; adapter: Float32Array } {
  const layout = loraLayout(smallConfig, lora);
  const random = new Random(21);
  const adapter = Float32Array.from({ length: layout.size }, () => 0.05 * random.normal());
  const data = Array.from({ length: rows }, () => randomDatum(random, length, smallConfig.vocabularySize));
  const shape = [rows, length];
  const join = (values: readonly (Float32Array | Int32Array)[]): number[] => values.flatMap((part) => [...part]);
  const floats = (name: string): Tensors[string] => ({
    data: Float32Array.from(join(data.map(({ inputs }) => inputs[name]?.data ?? new Float32Array()))),
    shape,
  });
  const filled = (value: number): Tensors[string] => ({ data: new Float32Array(rows * length).fill(value), shape });
  const feeds = {
    ...loadWeights(smallModel),
    ...adapterTensors(layout, adapter),
    tokens: { data: Int32Array.from(join(data.map(({ tokens }) => tokens))), shape },
    targets: {
      data: Int32Array.from(join(data.map(({ inputs }) => inputs.target_tokens?.data ?? new Int32Array()))),
      shape,
    },
    weights: floats('weights'),
    logprobs: floats('logprobs'),
    advantages: floats('advantages'),
    sequence_ratio_mask: { data: Float32Array.from({ length: rows * length }, (_, i) => Number(i % 4 !== 0)), shape },
    beta: filled(config.beta),
    clip_low_threshold: filled(config.clip_low_threshold),
    clip_high_threshold: filled(config.clip_high_threshold),
    [positionMask]: filled(1),
    ...positionFeeds(smallConfig, rows, length),
  };
  return { feeds, adapter };
}

const total = ({ data }: Tensor): number => Array.from(data).reduce((sum, value) => sum + value, 0);

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}

type StoppedWeights = (p: ArrayLike<number>, feeds: Tensors) => Float64Array;

const clip = (ratio: number): number =>
  Math.min(Math.max(ratio, config.clip_low_threshold), config.clip_high_threshold);
const at = (feeds: Tensors, name: string, i: number): number => feeds[name]?.data[i] ?? NaN;

/** For the losses that stop a gradient: the weights w with which Σ −w·p has the same gradient, written down by hand. */
const stoppedWeights: Readonly<Record<string, StoppedWeights>> = {
  cispo: (p, feeds) =>
    Float64Array.from(p, (value, i) => clip(Math.exp(value - at(feeds, 'logprobs', i))) * at(feeds, 'advantages', i)),
  gspo: (p, feeds) =>
    Float64Array.from(p, (_, i) => {
      const first = i - (i % length);
      const positions = Array.from({ length }, (_unused, t) => first + t);
      const counted = positions.filter((position) => at(feeds, 'sequence_ratio_mask', position) === 1);
      const distances = counted.map((position) => (p[position] ?? NaN) - at(feeds, 'logprobs', position));
      const ratio = Math.exp(distances.reduce((sum, distance) => sum + distance, 0) / counted.length);
      const advantage = at(feeds, 'advantages', i);
      const clipped = clip(ratio) * advantage < ratio * advantage;
      return clipped ? 0 : ratio * advantage;
    }),
};

describe('trainingGraph', async () => {
  const runtime = await loadRuntime('onnxruntime-node', 2);

  describe.each(Object.keys(losses))('with %s', (name) => {
    const layout = loraLayout(smallConfig, wholeLora);
    const graph = trainingGraph(smallConfig, layout, findLoss(name), true);
    const { feeds, adapter } = feedsFor(wholeLora);

    it('computes compiled what it does plainly, gradients too', async () => {
      const compiled = await (await runtime.compile(graph)).run(feeds);
      const plain = evaluate(graph, feeds);
      for (const [key, { data, shape }] of Object.entries(plain)) {
        expect(compiled[key]?.shape, key).toEqual(shape);
        const scale = Math.max(...data.map(Math.abs), 1e-3);
        data.forEach((expected, i) => {
          expect(Math.abs((compiled[key]?.data[i] ?? NaN) - expected), `${key}[${String(i)}]`).toBeLessThan(
            2e-5 * scale,
          );
        });
      }
    });

    it('has the gradient that differences along random directions show', () => {
      const random = new Random(33);
      const results = evaluate(graph, feeds, { precision: 'float64' });
      const gradient = layout.matrices.flatMap((matrix) => [...(results[gradientName(matrix.name)]?.data ?? [])]);
      expect(gradient).toHaveLength(layout.size);
      // Where a gradient is stopped the loss does not show it: there the surrogate with the stopped factor as weight does.
      const surrogate = stoppedWeights[name]?.(results.targetLogprobs?.data ?? [], feeds);
      const shown =
        surrogate === undefined ? graph : trainingGraph(smallConfig, layout, findLoss('cross_entropy'), false);
      const shownFeeds =
        surrogate === undefined ? feeds : { ...feeds, weights: { data: surrogate, shape: [rows, length] } };
      for (let trial = 0; trial < 3; trial++) {
        const direction = Float64Array.from({ length: layout.size }, () => random.normal());
        const lossAt = (step: number): number => {
          const moved = layout.matrices.map(({ name: matrix, shape, offset }) => {
            const data = Float64Array.from({ length: shape[0] * shape[1] }, (_, i) => {
              return (adapter[offset + i] ?? 0) + step * (direction[offset + i] ?? 0);
            });
            return [matrix, { data, shape }] as const;
          });
          const at = { ...shownFeeds, ...Object.fromEntries(moved) };
          return total(evaluate({ losses: shown.losses ?? constant(NaN) }, at, { precision: 'float64' }).losses);
        };
        const step = 1e-7;
        const difference = (lossAt(step) - lossAt(-step)) / (2 * step);
        const expected = dot(gradient, direction);
        expect(Math.abs(expected)).toBeGreaterThan(1e-3);
        expect(Math.abs(difference - expected)).toBeLessThan(1e-5 * Math.max(1, Math.abs(expected)));
      }
    });
  });

  it.each([
    { trainAttention: true, trainMlp: false, trainUnembedding: false, matrices: 16 },
    { trainAttention: false, trainMlp: true, trainUnembedding: false, matrices: 12 },
    { trainAttention: false, trainMlp: false, trainUnembedding: true, matrices: 2 },
  ])('trains only what is asked for: $matrices matrices', ({ matrices, ...parts }) => {
    const lora = { ...wholeLora, ...parts };
    const layout = loraLayout(smallConfig, lora);
    const graph = trainingGraph(smallConfig, layout, findLoss('cross_entropy'), true);
    expect(layout.matrices).toHaveLength(matrices);
    expect(Object.keys(graph)).toHaveLength(matrices + 2);
    const results = evaluate(graph, feedsFor(lora).feeds);
    for (const { name } of layout.matrices)
      expect(results[gradientName(name)]?.data.some((value) => value !== 0)).toBe(true);
  });
});
