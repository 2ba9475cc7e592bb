import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as graph from '../../src/graph/index.js';
import { inverseRms } from '../../src/graph/operations/inverseRms.js';
import { scatterRows } from '../../src/graph/operations/scatterRows.js';
import { sliceScatter } from '../../src/graph/operations/sliceScatter.js';
import { splitPart } from '../../src/graph/operations/splitPart.js';
import type { Node, OperationName, Tensor } from '../../src/graph/index.js';
import { tensor, uniform } from './finiteDifferences.js';

type Index = readonly number[];

/** The element of a tensor at an index of a wider one. */
function at({ data, shape }: Tensor, index: Index): number {
  const own = index.slice(index.length - shape.length).map((place, axis) => (shape[axis] === 1 ? 0 : place));
  return data[own.reduce((offset, place, axis) => offset * (shape[axis] ?? 1) + place, 0)] ?? NaN;
}

/** A tensor whose elements are given one by one, by their index. */
function table(shape: readonly number[], element: (index: Index) => number): Tensor {
  const indices = shape.reduce<Index[]>(
    (prefixes, size) => prefixes.flatMap((prefix) => Array.from({ length: size }, (_, place) => [...prefix, place])),
    [[]],
  );
  return { data: Float64Array.from(indices, element), shape };
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const random = uniform(5);
const some = (...shape: number[]): Tensor => tensor(shape, () => random() * 4 - 2);
const positive = (...shape: number[]): Tensor => tensor(shape, () => random() * 2 + 0.1);
const indices = (shape: readonly number[], ...data: number[]): Tensor => ({ data: Int32Array.from(data), shape });

interface Example {
  readonly inputs: readonly Tensor[];
  readonly build: (...nodes: Node[]) => Node;
  readonly expected: Tensor;
}

const unary = (build: (x: Node) => Node, element: (x: number) => number, x = some(2, 3)): Example => ({
  inputs: [x],
  build,
  expected: table(x.shape, (index) => element(at(x, index))),
});

const binary = (build: (a: Node, b: Node) => Node, element: (a: number, b: number) => number): Example => {
  const [a, b] = [positive(2, 1, 4), positive(3, 1)];
  b.data.set(a.data.subarray(0, 2));
  return { inputs: [a, b], build, expected: table([2, 3, 4], (index) => element(at(a, index), at(b, index))) };
};

/** An operation on [2, 3, 4] that keeps the first and last axes, given the three values along the middle one. */
const reduction = (
  build: (x: Node, axes: number, keepDims: boolean) => Node,
  reduce: (values: readonly number[]) => number,
): Example => {
  const x = some(2, 3, 4);
  return {
    inputs: [x],
    build: (node) => build(node, -2, false),
    expected: table([2, 4], ([i = 0, k = 0]) => reduce(range(3).map((j) => at(x, [i, j, k])))),
  };
};

/** An operation on the rows of [2, 3, 4]. */
const rows = (build: (x: Node) => Node, element: (row: readonly number[], place: number) => number): Example => {
  const x = some(2, 3, 4);
  return {
    inputs: [x],
    build,
    expected: table([2, 3, 4], ([i = 0, j = 0, k = 0]) =>
      element(
        range(4).map((place) => at(x, [i, j, place])),
        k,
      ),
    ),
  };
};

const shaped = (
  x: Tensor,
  build: (x: Node) => Node,
  shape: readonly number[],
  source: (index: Index) => Index,
): Example => ({ inputs: [x], build, expected: table(shape, (index) => at(x, source(index))) });

const exp = (values: readonly number[]): number[] => values.map((value) => Math.exp(value));
const meanSquare = (values: readonly number[]): number => total(values.map((value) => value ** 2)) / values.length;

const examples = {
  input: shaped(
    some(3),
    (x) => x,
    [3],
    (index) => index,
  ),
  constant: {
    inputs: [],
    build: () => graph.constant(new Float32Array([1, 2, 3, 4]), [2, 2]),
    expected: table([2, 2], ([i = 0, j = 0]) => 1 + 2 * i + j),
  },
  add: binary(graph.add, (a, b) => a + b),
  sub: binary(graph.sub, (a, b) => a - b),
  mul: binary(graph.mul, (a, b) => a * b),
  div: binary(graph.div, (a, b) => a / b),
  pow: binary(graph.pow, (a, b) => a ** b),
  minimum: binary(graph.minimum, Math.min),
  maximum: binary(graph.maximum, Math.max),
  eq: binary(graph.eq, (a, b) => (a === b ? 1 : 0)),
  ne: binary(graph.ne, (a, b) => (a === b ? 0 : 1)),
  lt: binary(graph.lt, (a, b) => (a < b ? 1 : 0)),
  le: binary(graph.le, (a, b) => (a <= b ? 1 : 0)),
  gt: binary(graph.gt, (a, b) => (a > b ? 1 : 0)),
  ge: binary(graph.ge, (a, b) => (a >= b ? 1 : 0)),
  where: binary(
    (a, b) => graph.where(graph.gt(a, b), graph.mul(a, 2), b),
    (a, b) => (a > b ? 2 * a : b),
  ),
  neg: unary(graph.neg, (x) => -x),
  exp: unary(graph.exp, (x) => Math.exp(x)),
  expm1: unary(graph.expm1, (x) => Math.exp(x) - 1),
  log: unary(graph.log, (x) => Math.log(x), positive(2, 3)),
  log1p: unary(graph.log1p, (x) => Math.log(1 + x), positive(2, 3)),
  sqrt: unary(graph.sqrt, (x) => x ** 0.5, positive(2, 3)),
  abs: unary(graph.abs, (x) => (x < 0 ? -x : x)),
  sign: unary(graph.sign, (x) => (x < 0 ? -1 : 1)),
  tanh: unary(graph.tanh, (x) => (Math.exp(2 * x) - 1) / (Math.exp(2 * x) + 1)),
  sigmoid: unary(graph.sigmoid, (x) => Math.exp(x) / (1 + Math.exp(x))),
  logsigmoid: unary(graph.logsigmoid, (x) => Math.log(1 / (1 + Math.exp(-x)))),
  softplus: unary(graph.softplus, (x) => Math.log(1 + Math.exp(x))),
  clamp: unary(
    (x) => graph.clamp(x, -0.5, 1),
    (x) => (x < -0.5 ? -0.5 : x > 1 ? 1 : x),
  ),
  detach: unary(graph.detach, (x) => x),
  silu: unary(graph.silu, (x) => x / (1 + Math.exp(-x))),
  sum: reduction(graph.sum, total),
  mean: reduction(graph.mean, (values) => total(values) / 3),
  max: reduction(graph.max, (values) => Math.max(...values)),
  cumsum: (() => {
    const x = some(2, 3, 2);
    return {
      inputs: [x],
      build: (node) => graph.cumsum(node, 1, true),
      expected: table(x.shape, ([i = 0, j = 0, k = 0]) => total(range(3 - j).map((n) => at(x, [i, j + n, k])))),
    };
  })(),
  size: { inputs: [some(2, 3, 4)], build: (x) => graph.size(x, [0, -1]), expected: table([], () => 8) },
  softmax: rows(graph.softmax, (row, place) => (exp(row)[place] ?? 0) / total(exp(row))),
  logSoftmax: rows(graph.logSoftmax, (row, place) => (row[place] ?? 0) - Math.log(total(exp(row)))),
  rmsNorm: rows(
    (x) => graph.rmsNorm(x, 0.1),
    (row, place) => (row[place] ?? 0) / Math.sqrt(meanSquare(row) + 0.1),
  ),
  inverseRms: rows(
    (x) => graph.expandAs(inverseRms(x, 0.1), x),
    (row) => 1 / Math.sqrt(meanSquare(row) + 0.1),
  ),
  reshape: shaped(
    some(2, 6),
    (x) => graph.reshape(x, [3, 2, 2]),
    [3, 2, 2],
    ([i = 0, j = 0, k = 0]) => {
      const flat = i * 4 + j * 2 + k;
      return [Math.floor(flat / 6), flat % 6];
    },
  ),
  transpose: shaped(
    some(2, 3, 4),
    (x) => graph.transpose(x, [2, 0, 1]),
    [4, 2, 3],
    ([i = 0, j = 0, k = 0]) => [j, k, i],
  ),
  unsqueeze: shaped(
    some(2, 3),
    (x) => graph.unsqueeze(x, 1),
    [2, 1, 3],
    ([i = 0, , k = 0]) => [i, k],
  ),
  squeeze: shaped(
    some(2, 1, 3),
    (x) => graph.squeeze(x, 1),
    [2, 3],
    ([i = 0, j = 0]) => [i, 0, j],
  ),
  expand: shaped(
    some(2, 1, 3),
    (x) => graph.expand(x, [2, 4, -1]),
    [2, 4, 3],
    ([i = 0, , k = 0]) => [i, 0, k],
  ),
  expandAs: shaped(
    some(3),
    (x) => graph.expandAs(x, graph.constant(new Float32Array(6), [2, 3])),
    [2, 3],
    ([, j = 0]) => [j],
  ),
  slice: shaped(
    some(2, 5),
    (x) => graph.slice(x, 1, -4, 4),
    [2, 3],
    ([i = 0, j = 0]) => [i, j + 1],
  ),
  sliceScatter: (() => {
    const [part, like] = [some(2, 2), some(2, 5)];
    return {
      inputs: [part, like],
      build: (x, y) => sliceScatter(x, y, { axis: 1, start: 1, end: 3 }),
      expected: table([2, 5], ([i = 0, j = 0]) => (j === 1 || j === 2 ? at(part, [i, j - 1]) : 0)),
    };
  })(),
  concat: (() => {
    const [a, b] = [some(2, 1, 3), some(2, 4, 3)];
    return {
      inputs: [a, b],
      build: (x, y) => graph.concat([x, y], 1),
      expected: table([2, 5, 3], ([i = 0, j = 0, k = 0]) => (j < 1 ? at(a, [i, j, k]) : at(b, [i, j - 1, k]))),
    };
  })(),
  splitPart: (() => {
    const joined = some(2, 5);
    return {
      inputs: [joined, some(2, 2), some(2, 3)],
      build: (x, ...parts) => splitPart(x, parts, 1, 1),
      expected: table([2, 3], ([i = 0, j = 0]) => at(joined, [i, j + 2])),
    };
  })(),
  matmul: (() => {
    const [a, b] = [some(2, 1, 5, 3), some(3, 7, 5)];
    return {
      inputs: [a, b],
      build: (x, y) => graph.matmul(x, y, { transA: true, transB: true, alpha: 0.5 }),
      expected: table(
        [2, 3, 3, 7],
        ([i = 0, j = 0, m = 0, n = 0]) => 0.5 * total(range(5).map((k) => at(a, [i, 0, k, m]) * at(b, [j, n, k]))),
      ),
    };
  })(),
  rope: (() => {
    const x = some(2, 3, 8);
    const positions = indices([2, 3], 0, 1, 2, 4, 0, 3);
    const angle = (position: number, place: number): number => position / 10 ** (place % 2);
    const [cos, sin] = [Math.cos, Math.sin].map((of) => table([5, 2], ([t = 0, i = 0]) => of(angle(t, i))));
    return {
      inputs: [x, cos, sin, positions].flatMap((value) => value ?? []),
      build: (node, c, s, ids) => graph.rope(node, c, s, ids),
      expected: table([2, 3, 8], ([i = 0, t = 0, k = 0]) => {
        const start = 4 * Math.floor(k / 4) + (k % 2);
        const [first, second] = [at(x, [i, t, start]), at(x, [i, t, start + 2])];
        const turned = angle(at(positions, [i, t]), k);
        const [c, s] = [Math.cos(turned), Math.sin(turned)];
        return k % 4 < 2 ? first * c - second * s : second * c + first * s;
      }),
    };
  })(),
  cachedAttention: (() => {
    // Two heads of keys and values with two query heads each; the rows hold one and two tokens and get two more.
    const [query, key, value, pastKey, pastValue] = [
      some(2, 2, 8),
      some(2, 2, 4),
      some(2, 2, 4),
      some(2, 2, 3, 2),
      some(2, 2, 3, 2),
    ];
    return {
      inputs: [query, key, value, pastKey, pastValue, indices([2], 2, 3)],
      build: (q, k, v, pk, pv, ends) =>
        graph.cachedAttention({ query: q, key: k, value: v, pastKey: pk, pastValue: pv, ends }),
      expected: table([2, 2, 8], ([i = 0, t = 0, place = 0]) => {
        const [past, head] = [i + 1, Math.floor(place / 4)];
        const read = (old: Tensor, fresh: Tensor, token: number, k: number): number =>
          token < past ? at(old, [i, head, token, k]) : at(fresh, [i, token - past, 2 * head + k]);
        const seen = range(past + t + 1);
        const start = place - (place % 2);
        const weights = exp(
          seen.map(
            (token) =>
              total(range(2).map((k) => at(query, [i, t, start + k]) * read(pastKey, key, token, k))) / 2 ** 0.5,
          ),
        );
        const mixed = seen.map((token) => (weights[token] ?? NaN) * read(pastValue, value, token, place % 2));
        return total(mixed) / total(weights);
      }),
    };
  })(),
  gather: (() => {
    const rowsOfTable = some(4, 2);
    return {
      inputs: [rowsOfTable, indices([3], 2, 0, 2)],
      build: (x, ids) => graph.gather(x, ids),
      expected: table([3, 2], ([i = 0, j = 0]) => at(rowsOfTable, [[2, 0, 2][i] ?? 0, j])),
    };
  })(),
  scatterRows: (() => {
    const values = some(3, 2);
    return {
      inputs: [values, indices([3], 2, 0, 2), some(4, 2)],
      build: (x, ids, like) => scatterRows(x, ids, like),
      expected: table([4, 2], ([i = 0, j = 0]) =>
        i === 2 ? at(values, [0, j]) + at(values, [2, j]) : i === 0 ? at(values, [1, j]) : 0,
      ),
    };
  })(),
  logprob: (() => {
    const logits = some(2, 3, 4);
    const targets = indices([2, 3], 0, 1, 2, 3, 3, 0);
    return {
      inputs: [logits, targets],
      build: (x, ids) => graph.logprob(x, ids),
      expected: table([2, 3], ([i = 0, j = 0]) => {
        const row = range(4).map((k) => at(logits, [i, j, k]));
        return Math.log((exp(row)[at(targets, [i, j])] ?? 0) / total(exp(row)));
      }),
    };
  })(),
  oneHot: {
    inputs: [indices([2], 2, 0)],
    build: (ids) => graph.oneHot(ids, 3),
    expected: table([2, 3], ([i = 0, j = 0]) => (j === (i === 0 ? 2 : 0) ? 1 : 0)),
  },
} satisfies Record<OperationName, Example>;

function run({ inputs, build }: Pick<Example, 'inputs' | 'build'>, precision: 'float32' | 'float64'): Tensor {
  const name = (i: number): string => `x${String(i)}`;
  const nodes = inputs.map(({ data, shape }, i) =>
    graph.input(name(i), shape, data instanceof Int32Array ? 'int32' : 'float32'),
  );
  const feeds = Object.fromEntries(inputs.map((value, i) => [name(i), value]));
  return graph.evaluate({ value: build(...nodes) }, feeds, { precision }).value;
}

describe('values against their definitions', () => {
  it.each(Object.entries<Example>(examples))('%s', (_, example) => {
    const exact = run(example, 'float64');
    expect(exact.shape).toEqual(example.expected.shape);
    exact.data.forEach((value, i) => expect(value).toBeCloseTo(example.expected.data[i] ?? NaN, 12));
    const rounded = run(example, 'float32');
    rounded.data.forEach((value, i) => expect(value).toBeCloseTo(example.expected.data[i] ?? NaN, 5));
  });

  it('results are Float32Array unless float64 is asked for', () => {
    expect(run(examples.exp, 'float32').data).toBeInstanceOf(Float32Array);
    expect(run(examples.exp, 'float64').data).toBeInstanceOf(Float64Array);
  });
});

describe('values far out', () => {
  const of = (build: (x: Node) => Node, ...values: number[]): number[] => [
    ...run({ inputs: [{ data: Float64Array.from(values), shape: [values.length] }], build }, 'float64').data,
  ];

  it('softmax and its logarithm do not overflow', () => {
    expect(of(graph.softmax, 1000, 1000)).toEqual([0.5, 0.5]);
    expect(of(graph.logSoftmax, 1000, 0)).toEqual([0, -1000]);
    expect(of(graph.softmax, 0, -1e9)).toEqual([1, 0]);
  });

  it('softplus, logsigmoid and sigmoid do not overflow', () => {
    expect(of(graph.softplus, 1000, -1000)).toEqual([1000, 0]);
    expect(of(graph.logsigmoid, 1000, -1000)).toEqual([0, -1000]);
    expect(of(graph.sigmoid, 1000, -1000)).toEqual([1, 0]);
  });

  it('log1p and expm1 are exact near 0', () => {
    expect(of(graph.log1p, 1e-20)).toEqual([1e-20]);
    expect(of(graph.expm1, 1e-20)).toEqual([1e-20]);
  });

  it('NaN goes through minimum, maximum, clamp and max', () => {
    for (const build of [
      (x: Node) => graph.minimum(x, 0),
      (x: Node) => graph.maximum(x, 0),
      (x: Node) => graph.clamp(x, -1, 1),
      (x: Node) => graph.max(x),
    ])
      expect(of(build, NaN)).toEqual([NaN]);
  });
});

describe('matrix products of any size', () => {
  it('equal the sums of products', () => {
    const sizes = fc.tuple(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
    );
    fc.assert(
      fc.property(sizes, fc.boolean(), fc.boolean(), ([m, k, n], transA, transB) => {
        const a = transA ? some(k, m) : some(m, k);
        const b = transB ? some(n, k) : some(k, n);
        const product = run({ inputs: [a, b], build: (x, y) => graph.matmul(x, y, { transA, transB }) }, 'float64');
        const expected = table([m, n], ([i = 0, j = 0]) =>
          total(range(k).map((l) => at(a, transA ? [l, i] : [i, l]) * at(b, transB ? [j, l] : [l, j]))),
        );
        product.data.forEach((value, i) => expect(value).toBeCloseTo(expected.data[i] ?? NaN, 12));
        expect(product.shape).toEqual([m, n]);
      }),
    );
  });
});

describe('helpers made of operations', () => {
  it('repeatInterleave repeats each place of an axis', () => {
    const x = some(2, 2, 3);
    const repeated = run({ inputs: [x], build: (node) => graph.repeatInterleave(node, 3, 1) }, 'float64');
    expect(repeated).toEqual(table([2, 6, 3], ([i = 0, j = 0, k = 0]) => at(x, [i, Math.floor(j / 3), k])));
  });

  it('stack joins along a new axis', () => {
    const [a, b] = [some(2, 3), some(2, 3)];
    const stacked = run({ inputs: [a, b], build: (...nodes) => graph.stack(nodes, 1) }, 'float64');
    expect(stacked).toEqual(table([2, 2, 3], ([i = 0, j = 0, k = 0]) => at(j === 0 ? a : b, [i, k])));
  });

  it('select takes one place of an axis', () => {
    const x = some(2, 3);
    expect(run({ inputs: [x], build: (node) => graph.select(node, 1, -1) }, 'float64')).toEqual(
      table([2], ([i = 0]) => at(x, [i, 2])),
    );
  });
});
