import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as graph from '../../src/graph/index.js';
import { inverseRms } from '../../src/graph/operations/inverseRms.js';
import { scatterRows } from '../../src/graph/operations/scatterRows.js';
import { sliceScatter } from '../../src/graph/operations/sliceScatter.js';
import { splitPart } from '../../src/graph/operations/splitPart.js';
import type { Node, OperationName, Tensor } from '../../src/graph/index.js';
import { expectDerivative, tensor, uniform } from './finiteDifferences.js';

interface Case {
  readonly build: (...inputs: Node[]) => Node;
  readonly tensors: readonly Tensor[];
}

type Random = () => number;
type MakeCase = (random: Random) => Case;

const integer = (random: Random, min: number, max: number): number => min + Math.floor(random() * (max - min + 1));
const between = (random: Random, min: number, max: number) => () => min + random() * (max - min);
const normalLike = (random: Random) => between(random, -2, 2);
const shapeOf = (random: Random, minRank = 0, maxRank = 3): number[] =>
  Array.from({ length: integer(random, minRank, maxRank) }, () => integer(random, 1, 3));
const indicesOf = (shape: readonly number[], random: Random, count: number): Tensor => ({
  data: Int32Array.from(tensor(shape, between(random, 0, count)).data),
  shape,
});

/** A shape that broadcasts to `wide`: some axes of size 1, some leading ones missing. */
const narrower = (random: Random, wide: readonly number[]): number[] =>
  wide.slice(integer(random, 0, wide.length)).map((size) => (random() < 0.3 ? 1 : size));

const unary =
  (build: (x: Node) => Node, min = -2, max = 2): MakeCase =>
  (random) => ({ build, tensors: [tensor(shapeOf(random), between(random, min, max))] });

/** Values at least 0.1 from 0, where the operation has a kink. */
const unaryWithKink =
  (build: (x: Node) => Node): MakeCase =>
  (random) => ({ build, tensors: [tensor(shapeOf(random), () => (random() < 0.5 ? -1 : 1) * (0.1 + random()))] });

const binary =
  (build: (a: Node, b: Node) => Node, min = -2, max = 2): MakeCase =>
  (random) => {
    const wide = shapeOf(random);
    const shapes = [wide, narrower(random, wide)];
    if (random() < 0.5) shapes.reverse();
    return { build, tensors: shapes.map((shape) => tensor(shape, between(random, min, max))) };
  };

/** An operation over the last axis. */
const overRows =
  (build: (x: Node) => Node): MakeCase =>
  (random) => ({ build, tensors: [tensor([...shapeOf(random, 0, 2), 4], normalLike(random))] });

const reducing =
  (build: (x: Node, axes: readonly number[] | undefined, keepDims: boolean) => Node): MakeCase =>
  (random) => {
    const shape = shapeOf(random, 1);
    const axes = random() < 0.3 ? undefined : shape.map((_, axis) => axis).filter(() => random() < 0.5);
    const keepDims = random() < 0.5;
    return { build: (x) => build(x, axes, keepDims), tensors: [tensor(shape, normalLike(random))] };
  };

const cosAndSin = (shape: readonly number[], random: Random): readonly [Float32Array, Float32Array] => {
  const half = (shape.at(-1) ?? 2) / 2;
  const angles = Float32Array.from(tensor(shape, random).data);
  const shared = angles.map((_, i) => angles[i % (2 * half) < half ? i : i - half] ?? 0);
  return [shared.map(Math.cos), shared.map(Math.sin)];
};

const rowsAt = (random: Random) => {
  const table = [integer(random, 2, 4), ...shapeOf(random, 0, 2)];
  return { table, indices: indicesOf(shapeOf(random, 0, 2), random, table[0] ?? 1) };
};

const parts = (random: Random) => {
  const shape = shapeOf(random, 1);
  const axis = integer(random, 0, shape.length - 1);
  const shapes = Array.from({ length: integer(random, 1, 3) }, () => shape.with(axis, integer(random, 1, 3)));
  return {
    axis,
    shapes,
    joined: shape.with(
      axis,
      shapes.reduce((sum, part) => sum + (part[axis] ?? 0), 0),
    ),
  };
};

const sliced = (random: Random) => {
  const shape = shapeOf(random, 1).map((size) => size + 2);
  const axis = integer(random, 0, shape.length - 1);
  const start = integer(random, -2, 2);
  const end = random() < 0.5 ? {} : { end: integer(random, -1, 4) };
  return { shape, axis, start, ...end };
};

const differentiable = {
  add: binary(graph.add),
  sub: binary(graph.sub),
  mul: binary(graph.mul),
  div: binary(graph.div, 0.5),
  pow: binary(graph.pow, 0.5),
  minimum: binary(graph.minimum),
  maximum: binary(graph.maximum),
  where: (random) => {
    const wide = shapeOf(random);
    return {
      build: (mask, a, b) => graph.where(graph.gt(graph.detach(mask), 0), a, b),
      tensors: [wide, narrower(random, wide), narrower(random, wide)].map((shape) => tensor(shape, normalLike(random))),
    };
  },
  neg: unary(graph.neg),
  exp: unary(graph.exp),
  expm1: unary(graph.expm1),
  log: unary(graph.log, 0.5),
  log1p: unary(graph.log1p, -0.5),
  sqrt: unary(graph.sqrt, 0.5),
  abs: unaryWithKink(graph.abs),
  tanh: unary(graph.tanh),
  sigmoid: unary(graph.sigmoid),
  logsigmoid: unary(graph.logsigmoid, -20, 20),
  softplus: unary(graph.softplus, -20, 20),
  clamp: unary((x) => graph.clamp(x, -1, 1.5)),
  sum: reducing(graph.sum),
  mean: reducing(graph.mean),
  max: reducing(graph.max),
  cumsum: (random) => {
    const shape = shapeOf(random, 1);
    const axis = integer(random, -shape.length, shape.length - 1);
    const reverse = random() < 0.5;
    return { build: (x) => graph.cumsum(x, axis, reverse), tensors: [tensor(shape, normalLike(random))] };
  },
  reshape: (random) => {
    const shape = shapeOf(random);
    return {
      build: (x) => graph.reshape(x, [...shape.toReversed(), 1]),
      tensors: [tensor(shape, normalLike(random))],
    };
  },
  transpose: (random) => {
    const shape = shapeOf(random);
    const order = shape.map((_, axis) => ({ axis, key: random() })).sort((a, b) => a.key - b.key);
    return {
      build: (x) =>
        graph.transpose(
          x,
          order.map(({ axis }) => axis),
        ),
      tensors: [tensor(shape, normalLike(random))],
    };
  },
  unsqueeze: (random) => {
    const shape = shapeOf(random);
    const axis = integer(random, -shape.length - 1, shape.length);
    return { build: (x) => graph.unsqueeze(x, axis), tensors: [tensor(shape, normalLike(random))] };
  },
  squeeze: (random) => {
    const shape = [...shapeOf(random, 0, 2), 1, ...shapeOf(random, 0, 1)];
    return { build: (x) => graph.squeeze(x, shape.indexOf(1)), tensors: [tensor(shape, normalLike(random))] };
  },
  expand: (random) => {
    const wide = shapeOf(random);
    const shape = wide.map((size) => (random() < 0.5 ? 1 : size));
    const sizes = wide.map((size, axis) => (size === shape[axis] && random() < 0.5 ? -1 : size));
    return { build: (x) => graph.expand(x, sizes), tensors: [tensor(shape, normalLike(random))] };
  },
  expandAs: (random) => {
    const wide = shapeOf(random);
    return {
      build: (x, like) => graph.expandAs(x, like),
      tensors: [narrower(random, wide), wide].map((shape) => tensor(shape, normalLike(random))),
    };
  },
  concat: (random) => {
    const { axis, shapes } = parts(random);
    return {
      build: (...nodes) => graph.concat(nodes, axis),
      tensors: shapes.map((shape) => tensor(shape, normalLike(random))),
    };
  },
  splitPart: (random) => {
    const { axis, shapes, joined } = parts(random);
    const index = integer(random, 0, shapes.length - 1);
    return {
      build: (x, ...others) => splitPart(x, others, axis, index),
      tensors: [joined, ...shapes].map((shape) => tensor(shape, normalLike(random))),
    };
  },
  slice: (random) => {
    const { shape, axis, start, end } = sliced(random);
    return { build: (x) => graph.slice(x, axis, start, end), tensors: [tensor(shape, normalLike(random))] };
  },
  sliceScatter: (random) => {
    const { shape, ...attributes } = sliced(random);
    const { axis, start, end } = attributes;
    const part = shape.with(axis, Array.from({ length: shape[axis] ?? 0 }).slice(start, end).length);
    return {
      build: (x, like) => sliceScatter(x, like, attributes),
      tensors: [part, shape].map((sizes) => tensor(sizes, normalLike(random))),
    };
  },
  matmul: (random) => {
    const [m, k, n] = [integer(random, 1, 5), integer(random, 1, 5), integer(random, 1, 6)];
    const [transA, transB, alpha] = [random() < 0.5, random() < 0.5, random() + 0.5];
    const batch = shapeOf(random, 0, 2);
    const batches = [batch, narrower(random, batch)];
    if (random() < 0.5) batches.reverse();
    const shapes = [
      [...(batches[0] ?? []), ...(transA ? [k, m] : [m, k])],
      [...(batches[1] ?? []), ...(transB ? [n, k] : [k, n])],
    ];
    return {
      build: (a, b) => graph.matmul(a, b, { transA, transB, alpha }),
      tensors: shapes.map((shape) => tensor(shape, normalLike(random))),
    };
  },
  rmsNorm: overRows(graph.rmsNorm),
  inverseRms: overRows((x) => inverseRms(x, 1e-3)),
  silu: unary(graph.silu),
  softmax: overRows(graph.softmax),
  logSoftmax: overRows(graph.logSoftmax),
  rope: (random) => {
    const [batch, sequence, heads, half] = [1, 2, 3, 4].map(() => integer(random, 1, 3));
    const angles = [4, half ?? 1];
    const [cos, sin] = cosAndSin(angles, random);
    const inverse = random() < 0.5;
    const rows = [batch ?? 1, sequence ?? 1];
    return {
      build: (x, positions) =>
        graph.rope(x, graph.constant(cos, angles), graph.constant(sin, angles), positions, inverse),
      tensors: [tensor([...rows, 2 * (heads ?? 1) * (half ?? 1)], normalLike(random)), indicesOf(rows, random, 4)],
    };
  },
  gather: (random) => {
    const { table, indices } = rowsAt(random);
    return {
      build: (rows, at) => graph.gather(rows, at),
      tensors: [tensor(table, normalLike(random)), indices],
    };
  },
  scatterRows: (random) => {
    const { table, indices } = rowsAt(random);
    const rows = tensor([...indices.shape, ...table.slice(1)], normalLike(random));
    return {
      build: (values, at, like) => scatterRows(values, at, like),
      tensors: [rows, indices, tensor(table, random)],
    };
  },
  logprob: (random) => {
    const shape = shapeOf(random, 0, 2);
    return {
      build: (logits, target) => graph.logprob(logits, target),
      tensors: [tensor([...shape, 5], normalLike(random)), indicesOf(shape, random, 5)],
    };
  },
} satisfies Partial<Record<OperationName, MakeCase>>;

const withoutDerivative = {
  eq: (x) => graph.eq(x, 1),
  ne: (x) => graph.ne(x, 1),
  lt: (x) => graph.lt(x, 1),
  le: (x) => graph.le(x, 1),
  gt: (x) => graph.gt(x, 1),
  ge: (x) => graph.ge(x, 1),
  sign: (x) => graph.sign(x),
  detach: (x) => graph.detach(x),
  size: (x) => graph.size(x),
  oneHot: (x) => graph.mul(0, x),
  input: (x) => graph.mul(0, x),
  constant: (x) => graph.mul(0, x),
} satisfies Record<Exclude<OperationName, keyof typeof differentiable | 'cachedAttention'>, (x: Node) => Node>;

describe('derivatives against finite differences', () => {
  it.each(Object.entries<MakeCase>(differentiable))('%s', (_, make) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
        const { build, tensors } = make(uniform(seed));
        expectDerivative(build, tensors, seed);
      }),
      { numRuns: 40, endOnFailure: true },
    );
  });
});

describe('no gradient', () => {
  it.each(Object.entries<(x: Node) => Node>(withoutDerivative))('%s', (_, build) => {
    const x = graph.input('x', ['n']);
    const loss = graph.add(graph.sum(build(x)), graph.sum(x));
    const [byX] = graph.gradient(loss, [x]);
    if (byX === undefined) expect.fail('no gradient');
    const feeds = { x: { data: new Float32Array([0.5, 1, 2]), shape: [3] } };
    expect([...graph.evaluate({ byX }, feeds).byX.data]).toEqual([1, 1, 1]);
  });

  it('is refused for what only samples', () => {
    const key = graph.input('key', [1, 1, 4]);
    const cache = graph.input('cache', [1, 1, 3, 4]);
    const ends = graph.input('ends', [1], 'int32');
    const attended = graph.cachedAttention({ query: key, key, value: key, pastKey: cache, pastValue: cache, ends });
    expect(() => graph.gradient(graph.sum(attended), [key])).toThrow('an operation with a derivative');
  });
});
