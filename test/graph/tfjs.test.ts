import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import * as graph from '../../src/graph/index.js';
import type { Node } from '../../src/graph/index.js';
import { tensor, uniform } from './finiteDifferences.js';

type TfTensors = readonly tf.Tensor[];

interface Comparison {
  readonly shapes: readonly (readonly number[])[];
  readonly build: (...nodes: Node[]) => Node;
  readonly tfjs: (...tensors: tf.Tensor[]) => tf.Tensor;
  /** Of the inputs' values; −2 … 2 if missing. */
  readonly range?: readonly [number, number];
}

const pair = [
  [2, 3, 4],
  [3, 1],
] as const;
// tfjs does not sum the gradient of a broadcast minimum or maximum.
const alike = [
  [2, 3],
  [2, 3],
] as const;
const single = [[2, 3, 4]] as const;
const positive = [0.2, 2] as const;

const mask = new Float32Array([1, 0, 0, 1, 1, 0]);

const comparisons: Readonly<Record<string, Comparison>> = {
  add: { shapes: pair, build: graph.add, tfjs: tf.add },
  sub: { shapes: pair, build: graph.sub, tfjs: tf.sub },
  mul: { shapes: pair, build: graph.mul, tfjs: tf.mul },
  div: { shapes: pair, build: graph.div, tfjs: tf.div, range: positive },
  pow: { shapes: pair, build: graph.pow, tfjs: tf.pow, range: positive },
  minimum: { shapes: alike, build: graph.minimum, tfjs: tf.minimum },
  maximum: { shapes: alike, build: graph.maximum, tfjs: tf.maximum },
  where: {
    shapes: alike,
    build: (a, b) => graph.where(graph.constant(mask, [2, 3]), a, b),
    tfjs: (a, b) => tf.where(tf.tensor(mask, [2, 3], 'bool'), a, b),
  },
  neg: { shapes: single, build: graph.neg, tfjs: tf.neg },
  exp: { shapes: single, build: graph.exp, tfjs: tf.exp },
  expm1: { shapes: single, build: graph.expm1, tfjs: tf.expm1 },
  log: { shapes: single, build: graph.log, tfjs: tf.log, range: positive },
  log1p: { shapes: single, build: graph.log1p, tfjs: tf.log1p, range: positive },
  sqrt: { shapes: single, build: graph.sqrt, tfjs: tf.sqrt, range: positive },
  abs: { shapes: single, build: graph.abs, tfjs: tf.abs },
  tanh: { shapes: single, build: graph.tanh, tfjs: tf.tanh },
  sigmoid: { shapes: single, build: graph.sigmoid, tfjs: tf.sigmoid },
  logsigmoid: { shapes: single, build: graph.logsigmoid, tfjs: tf.logSigmoid },
  softplus: { shapes: single, build: graph.softplus, tfjs: tf.softplus },
  clamp: { shapes: single, build: (x) => graph.clamp(x, -1, 0.5), tfjs: (x) => tf.clipByValue(x, -1, 0.5) },
  sum: { shapes: single, build: (x) => graph.sum(x, [0, 2]), tfjs: (x) => tf.sum(x, [0, 2]) },
  mean: { shapes: single, build: (x) => graph.mean(x, 1, true), tfjs: (x) => tf.mean(x, 1, true) },
  max: { shapes: single, build: (x) => graph.max(x, -1), tfjs: (x) => tf.max(x, -1) },
  // tfjs permutes the gradient of a cumsum over another axis than the last.
  cumsum: { shapes: single, build: (x) => graph.cumsum(x, 2), tfjs: (x) => tf.cumsum(x, 2) },
  softmax: { shapes: single, build: graph.softmax, tfjs: (x) => tf.softmax(x) },
  logSoftmax: { shapes: single, build: graph.logSoftmax, tfjs: (x) => tf.logSoftmax(x) },
  slice: { shapes: single, build: (x) => graph.slice(x, 2, 1, -1), tfjs: (x) => tf.slice(x, [0, 0, 1], [2, 3, 2]) },
  transpose: {
    shapes: single,
    build: (x) => graph.transpose(x, [2, 0, 1]),
    tfjs: (x) => tf.transpose(x, [2, 0, 1]),
  },
  concat: {
    shapes: [
      [2, 3],
      [2, 1],
    ],
    build: (...nodes) => graph.concat(nodes, 1),
    tfjs: (...tensors) => tf.concat(tensors, 1),
  },
  matmul: {
    shapes: [
      [2, 5, 3],
      [2, 4, 5],
    ],
    build: (a, b) => graph.matmul(a, b, { transA: true, transB: true }),
    tfjs: (a, b) => tf.matMul(a, b, true, true),
  },
};

describe('values and gradients of tfjs', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it.each(Object.entries(comparisons))('%s', (_, { shapes, build, tfjs, range: [min, max] = [-2, 2] }) => {
    const random = uniform(17);
    const values = shapes.map((shape) => {
      const { data } = tensor(shape, () => min + (max - min) * random());
      return { data: Float32Array.from(data), shape };
    });
    const inputs = shapes.map((shape, i) => graph.input(`x${String(i)}`, shape));
    const output = build(...inputs);
    // Squares, so that the upstream gradient of the operation differs from place to place.
    const loss = graph.sum(graph.mul(output, output));
    const feeds = Object.fromEntries(values.map((value, i) => [`x${String(i)}`, value]));
    const ours = graph.valueAndGradient(loss, inputs, feeds);

    tf.tidy(() => {
      const theirs = tf.valueAndGrads((...tensors: tf.Tensor[]) => tf.sum(tf.square(tfjs(...tensors))))(
        values.map(({ data, shape }) => tf.tensor(data, [...shape])),
      );
      const grads: TfTensors = theirs.grads;
      expectClose(Float32Array.of(ours.value), theirs.value.dataSync());
      grads.forEach((grad, i) => {
        expect(ours.gradients[i]?.shape).toEqual(grad.shape);
        expectClose(ours.gradients[i]?.data ?? new Float32Array(), grad.dataSync());
      });
      expect(grads).toHaveLength(inputs.length);
    });
  });
});

function expectClose(ours: ArrayLike<number>, theirs: ArrayLike<number>): void {
  expect(ours.length).toBe(theirs.length);
  const scale = Math.max(1, ...Array.from(theirs, Math.abs));
  for (let i = 0; i < ours.length; i++)
    expect(Math.abs((ours[i] ?? NaN) - (theirs[i] ?? NaN))).toBeLessThan(1e-5 * scale);
}
