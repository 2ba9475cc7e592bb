import * as g from '../../../../src/graph/index.js';
import { inverseRms } from '../../../../src/graph/operations/inverseRms.js';
import { scatterRows } from '../../../../src/graph/operations/scatterRows.js';
import { sliceScatter } from '../../../../src/graph/operations/sliceScatter.js';
import { splitPart } from '../../../../src/graph/operations/splitPart.js';
import type { Node, OperationName } from '../../../../src/graph/index.js';
import { Random } from '../../../../src/local/engine/random.js';
import type { Tensors } from '../../../../src/local/engine/runtime.js';

const random = new Random(11);
const numbers = (shape: readonly number[], low: number, high: number): Tensors[string] => {
  const length = shape.reduce((product, size) => product * size, 1);
  return { data: Float32Array.from({ length }, () => low + (high - low) * random.uniform()), shape };
};

const wide = ['batch', 'sequence', 4];
/** Inputs of all graphs of {@link cases}. */
export const feeds: Tensors = {
  x: numbers([2, 3, 4], -3, 3),
  y: numbers([2, 3, 4], -3, 3),
  same: { data: Float32Array.from({ length: 24 }, (_, i) => (i % 3) - 1), shape: [2, 3, 4] },
  positive: numbers([2, 3, 4], 0.1, 4),
  small: numbers([2, 3, 4], -1e-4, 1e-4),
  row: numbers([4], -2, 2),
  scalar: numbers([], 1, 2),
  left: numbers([2, 1, 3, 4], -1, 1),
  right: numbers([5, 4, 3], -1, 1),
  table: numbers([6, 4], -1, 1),
  angles: numbers([5, 2], -1, 1),
  positions: { data: Int32Array.of(0, 1, 2, 4, 0, 3), shape: [2, 3] },
  query: numbers([1, 3, 32], -1, 1),
  fresh: numbers([1, 3, 16], -1, 1),
  cache: numbers([1, 2, 7, 8], -1, 1),
  ends: { data: Int32Array.of(5), shape: [1] },
  queries: numbers([2, 1, 32], -1, 1),
  keys: numbers([2, 1, 16], -1, 1),
  narrowKeys: numbers([2, 1, 8], -1, 1),
  narrowCaches: numbers([2, 2, 7, 4], -1, 1),
  caches: numbers([2, 2, 7, 8], -1, 1),
  endsOfRows: { data: Int32Array.of(5, 2), shape: [2] },
  indices: { data: Int32Array.of(0, 5, 2, 2, 1, 3), shape: [2, 3] },
  targets: { data: Int32Array.of(0, 3, 2, 2, 1, 3), shape: [2, 3] },
};

const x = g.input('x', wide);
const y = g.input('y', wide);
const same = g.input('same', wide);
const positive = g.input('positive', wide);
const small = g.input('small', wide);
const row = g.input('row', [4]);
const scalar = g.input('scalar', []);
const left = g.input('left', ['batch', 1, 'sequence', 4]);
const right = g.input('right', [5, 4, 'sequence']);
const table = g.input('table', [6, 4]);
const angles = g.input('angles', ['n', 2]);
const positions = g.input('positions', ['batch', 'sequence'], 'int32');
const indices = g.input('indices', ['batch', 'sequence'], 'int32');
const targets = g.input('targets', ['batch', 'sequence'], 'int32');

function attend(query: string, key: string, cache: string, ends: string, headDim = 8): Node {
  const fresh = g.input(key, ['rows', 'new', 2 * headDim]);
  const past = g.input(cache, ['rows', 2, 'slots', headDim]);
  return g.cachedAttention({
    query: g.input(query, ['rows', 'new', 32]),
    key: fresh,
    value: fresh,
    pastKey: past,
    pastValue: past,
    ends: g.input(ends, ['rows'], 'int32'),
  });
}

const firstRow = g.slice(x, 1, 0, 1);

/** Graphs of each operation. */
export const cases: Readonly<Record<OperationName, readonly Node[]>> = {
  input: [x],
  constant: [g.add(x, 2), g.add(x, g.constant(Float32Array.of(1, 2, 3, 4), [4]))],
  add: [g.add(x, y), g.add(x, row)],
  sub: [g.sub(x, y), g.sub(row, x)],
  mul: [g.mul(x, y), g.mul(scalar, x)],
  div: [g.div(x, positive)],
  pow: [g.pow(positive, y), g.pow(x, 2)],
  minimum: [g.minimum(x, y)],
  maximum: [g.maximum(x, row)],
  eq: [g.eq(same, 1)],
  ne: [g.ne(same, 1)],
  lt: [g.lt(same, 0)],
  le: [g.le(same, 0)],
  gt: [g.gt(same, 0)],
  ge: [g.ge(same, 0)],
  where: [g.where(g.gt(x, 0), x, y), g.where(same, x, 0)],
  neg: [g.neg(x)],
  exp: [g.exp(x)],
  expm1: [g.expm1(x), g.expm1(small)],
  log: [g.log(positive)],
  log1p: [g.log1p(positive), g.log1p(small), g.log1p(g.mul(x, 0))],
  sqrt: [g.sqrt(positive)],
  abs: [g.abs(x)],
  sign: [g.sign(same)],
  tanh: [g.tanh(x)],
  sigmoid: [g.sigmoid(x)],
  logsigmoid: [g.logsigmoid(g.mul(x, 20))],
  softplus: [g.softplus(g.mul(x, 20))],
  clamp: [g.clamp(x, -1, 1), g.clamp(x, -Infinity, 0.5)],
  detach: [g.detach(x)],
  sum: [g.sum(x), g.sum(x, -1, true), g.sum(x, [0, 2])],
  mean: [g.mean(x), g.mean(x, -1, true), g.mean(x, [0, 1])],
  max: [g.max(x), g.max(x, -1, true), g.max(x, 1)],
  cumsum: [g.cumsum(x, 1), g.cumsum(x, -1)],
  size: [g.size(x), g.size(x, [1, 2])],
  reshape: [g.reshape(x, ['batch*sequence', 4]), g.reshape(x, ['batch', 'sequence', 2, 2])],
  transpose: [g.transpose(x, [2, 0, 1])],
  unsqueeze: [g.unsqueeze(x, 1), g.unsqueeze(x, -1)],
  squeeze: [g.squeeze(left, 1)],
  expand: [g.expand(left, [-1, 3, -1, -1])],
  expandAs: [g.expandAs(row, x)],
  concat: [g.concat([x, y], 1), g.concat([x, y, x], -1)],
  slice: [g.slice(x, 1, 1), g.slice(x, -1, 1, 3), g.slice(x, -1, -2), g.slice(x, 1, 0, -1)],
  sliceScatter: [
    sliceScatter(g.slice(x, -1, 1, 3), x, { axis: 2, start: 1, end: 3 }),
    sliceScatter(g.slice(x, 1, -1), x, { axis: 1, start: -1 }),
    sliceScatter(g.slice(x, 1, 0, -1), x, { axis: 1, start: 0, end: -1 }),
  ],
  splitPart: [
    splitPart(g.concat([x, firstRow, y], 1), [x, firstRow, y], 1, 1),
    splitPart(g.concat([x, y], 1), [x, y], 1, 1),
  ],
  matmul: [
    g.matmul(x, g.transpose(table, [1, 0])),
    g.matmul(x, table, { transB: true, alpha: 0.5 }),
    g.matmul(left, right),
    g.matmul(x, y, { transA: true }),
    g.matmul(x, y, { transB: true }),
  ],
  rmsNorm: [g.rmsNorm(x, 1e-3), g.mul(g.rmsNorm(x, 1e-3), row)],
  inverseRms: [inverseRms(x, 1e-3)],
  silu: [g.silu(x)],
  softmax: [g.softmax(g.mul(x, 10))],
  logSoftmax: [g.logSoftmax(g.mul(x, 10))],
  rope: [g.rope(x, angles, angles, positions), g.rope(x, angles, angles, positions, true)],
  // One row gets three tokens, two rows of different lengths one each; heads of 8 and of 4.
  cachedAttention: [
    attend('query', 'fresh', 'cache', 'ends'),
    attend('queries', 'keys', 'caches', 'endsOfRows'),
    attend('queries', 'narrowKeys', 'narrowCaches', 'endsOfRows', 4),
  ],
  gather: [g.gather(table, indices)],
  scatterRows: [scatterRows(x, indices, table)],
  logprob: [g.logprob(x, targets)],
  oneHot: [g.oneHot(indices, 6)],
};
