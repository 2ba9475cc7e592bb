import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { type TfjsFunction, tfjsLoss } from '../../src/losses/index.js';
import { TensorData } from '../../src/wire/index.js';
import { datum, expectGradients, expectInvalid, logprobs, run } from './support.js';

const points = [[-1, -2], [-0.5]];
const data = points.map((p) => datum(p.length));
const values = points.map((p) => logprobs(...p));

describe('a loss in tfjs', () => {
  it('differentiates by each datum and disposes what it made', async () => {
    const loss = tfjsLoss((_, all, module) => {
      const squares = all.map((p) => p.square().exp().sum());
      return {
        loss: module.addN(squares),
        metrics: { 'n:sum': all.length, 'min:mean': module.concat([...all]).min() },
      };
    });
    await run(loss, data, values);
    const before = tf.memory().numTensors;
    const result = await run(loss, data, values);
    expect(tf.memory().numTensors).toBe(before);
    const plain = (all: readonly (readonly number[])[]): number => all.flat().reduce((a, p) => a + Math.exp(p * p), 0);
    expect(result.loss).toBeCloseTo(plain(points), 4);
    expect(result.metrics).toEqual({ 'n:sum': 2, 'min:mean': -2 });
    result.gradients.forEach((gradient, i) => {
      gradient.forEach((value, j) => {
        const p = points[i]?.[j] ?? NaN;
        expect(value / (2 * p * Math.exp(p * p))).toBeCloseTo(1, 5);
      });
    });
  });

  it("leaves a tensor of the caller's alone", async () => {
    const own = tf.scalar(3);
    const loss = tfjsLoss((_, all, module) => ({
      loss: module.addN(all.map((p) => p.sum())),
      metrics: { 'own:mean': own },
    }));
    expect((await run(loss, data, values)).metrics).toEqual({ 'own:mean': 3 });
    expect(own.isDisposed).toBe(false);
    own.dispose();
  });

  it('keeps two axes', async () => {
    const wide = new TensorData(Float32Array.of(1, 2, 3, 4), [2, 2]);
    const { gradients } = await run(
      tfjsLoss((_, [p], module) => (p ?? module.scalar(0)).max(1).sum()),
      [datum(2)],
      [wide],
    );
    expect(gradients).toEqual([Float32Array.of(0, 1, 0, 1)]);
    expectGradients(
      gradients,
      [[1, 2, 3, 4]],
      ([[a = NaN, b = NaN, c = NaN, d = NaN] = []]) => Math.max(a, b) + Math.max(c, d),
    );
  });

  const cause = new Error('no luck');
  it.each<[string, (...given: Parameters<TfjsFunction>) => unknown, ...string[]]>([
    ['NaN', (_, all, m) => m.addN(all.map((p) => p.log().sum())), 'finite loss', 'NaN'],
    ['no scalar', (_, [p]) => p?.neg(), 'scalar loss', 'shape [2]'],
    ['a number', () => 1, 'scalar tfjs tensor', 'got 1'],
    ['a promise', (_, all, m) => Promise.resolve(m.addN(all.map((p) => p.sum()))), 'must not be async'],
    [
      'a metric of no scalar',
      (_, all, m) => ({ loss: m.concat([...all]).sum(), metrics: { a: all[0] } }),
      'metric a',
      '[2]',
    ],
    ['a datum left out', (_, [p]) => p?.sum(), 'logprobs of data[1]'],
    ['no dependence', (_, __, m) => m.scalar(1), 'logprobs of data[0]'],
    [
      'an error',
      () => {
        throw cause;
      },
      'no luck',
    ],
  ])('is refused with %s, and disposes what it made', async (_, loss, ...words) => {
    const before = tf.memory().numTensors;
    const error = await expectInvalid(tfjsLoss(loss as TfjsFunction), data, values, ...words);
    expect(tf.memory().numTensors).toBe(before);
    if (words.includes('no luck')) expect(error.cause).toBe(cause);
  });

  it('says what to install where the package is missing', async () => {
    const load = (): Promise<typeof tf> => import(['no', 'such', 'package'].join('-')) as Promise<typeof tf>;
    const error = await expectInvalid(
      tfjsLoss((_, __, m) => m.scalar(1), { load }),
      data,
      values,
      '@tensorflow/tfjs',
      'npm install @tensorflow/tfjs',
      'batchLoss',
    );
    expect(error.cause).toMatchObject({ code: 'ERR_MODULE_NOT_FOUND' });
  });
});
