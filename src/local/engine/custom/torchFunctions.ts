import * as graph from '../../../graph/index.js';
import { Node, type Operand } from '../../../graph/index.js';
import { align, axisBehindBatch, rankOf } from './batchAxis.js';
import type { CallArguments } from './callArguments.js';
import { indexTensor, sizeOf } from './indexTensor.js';
import { describeLossValue, type LossValue } from './lossValue.js';
import { refusedLoss } from './refusedLoss.js';

/** A function of PyTorch: the names of its parameters in order, and its result as nodes of the graph. */
export interface TorchFunction {
  readonly parameters: readonly string[];
  readonly build: (args: CallArguments) => LossValue;
}

const define = (parameters: string, build: TorchFunction['build']): TorchFunction => ({
  parameters: parameters.split(' '),
  build,
});

const unary = (apply: (x: Node) => Node): TorchFunction => define('input', (args) => apply(args.node('input')));

const binary = (apply: (a: Operand, b: Operand) => Node): TorchFunction =>
  define('input other', (args) => apply(...align(args.operand('input'), args.operand('other'))));

const scaled = (apply: (a: Operand, b: Operand) => Node): TorchFunction =>
  define('input other alpha', (args) => {
    const [a, b] = align(args.operand('input'), args.operand('other'));
    const alpha = args.number('alpha', 1);
    return apply(a, alpha === 1 ? b : graph.mul(b, alpha));
  });

type Reduce = (x: Node, axes: readonly number[], keepDims: boolean) => Node;

const reduction = (apply: Reduce): TorchFunction =>
  define('input dim keepdim dtype', (args) => {
    args.checkFloat32('dtype');
    return reduce(apply, args.node('input'), args.axes('dim'), args.flag('keepdim'));
  });

/** All axes where none is named; never the batch. */
function reduce(apply: Reduce, x: Node, axes: readonly number[] | undefined, keepDims: boolean): Node {
  const rank = rankOf(x);
  const reduced = axes?.map((axis) => axisBehindBatch(axis, rank)) ?? Array.from({ length: rank }, (_, i) => i + 1);
  return reduced.length === 0 ? x : apply(x, reduced, keepDims);
}

/** Reduction to the largest or smallest, or, of two tensors, elementwise. */
const extreme = (apply: Reduce, elementwise: (a: Operand, b: Operand) => Node): TorchFunction =>
  define('input other', (args) => {
    const other = args.value('other');
    if (other === null) return reduce(apply, args.node('input'), undefined, false);
    if (!(other instanceof Node))
      throw refusedLoss('a tensor as other (for one axis take amax or amin)', describeLossValue(other));
    return elementwise(...align(args.node('input'), other));
  });

const overLastAxis = (apply: (x: Node) => Node): TorchFunction =>
  define('input dim _stacklevel dtype', (args) => {
    args.checkFloat32('dtype');
    const x = args.node('input');
    if (axisBehindBatch(args.integer('dim'), rankOf(x)) !== rankOf(x))
      throw refusedLoss('the last axis as dim', String(args.integer('dim')));
    return apply(x);
  });

const filledLike = (parameters: string, value: (args: CallArguments) => number): TorchFunction =>
  define(`${parameters} dtype layout device requires_grad memory_format`, (args) => {
    args.checkFloat32('dtype');
    return graph.expandAs(value(args), args.node('input'));
  });

const logical = (apply: (a: Node, b: Node) => Node): TorchFunction =>
  binary((a, b) => graph.ne(apply(graph.ne(a, 0), graph.ne(b, 0)), 0));

const bitwise = (apply: (a: Operand, b: Operand) => Node): TorchFunction =>
  binary((a, b) => graph.ne(apply(boolean(a), boolean(b)), 0));

const comparisons: ReadonlySet<string> = new Set(['eq', 'ne', 'lt', 'le', 'gt', 'ge']);
const views: ReadonlySet<string> = new Set(['unsqueeze', 'squeeze', 'slice', 'expandAs', 'detach', 'concat']);

function boolean(x: Operand): Node {
  if (x instanceof Node && isBoolean(x)) return x;
  throw refusedLoss('the result of a comparison', describeLossValue(x));
}

function isBoolean(x: Node): boolean {
  return (
    comparisons.has(x.operation) || (views.has(x.operation) && x.inputs[0] !== undefined && isBoolean(x.inputs[0]))
  );
}

const amax: Reduce = (x, axes, keepDims) => graph.max(x, axes, keepDims);
const amin: Reduce = (x, axes, keepDims) => graph.neg(graph.max(graph.neg(x), axes, keepDims));

/** The largest is taken out, so that no exponential overflows. */
const logsumexp: Reduce = (x, axes, keepDims) => {
  const largest = graph.detach(graph.max(x, axes, true));
  const sum = graph.log(graph.sum(graph.exp(graph.sub(x, largest)), axes, true));
  return graph.sum(graph.add(sum, largest), axes, keepDims);
};

const same = (parameters: string): TorchFunction => define(parameters, (args) => args.node('input'));

/** Functions under `torch`, which are methods of tensors too, by name; their options are PyTorch's. */
export const torchFunctions: Readonly<Record<string, TorchFunction>> = {
  add: scaled(graph.add),
  sub: scaled(graph.sub),
  mul: binary(graph.mul),
  div: define('input other rounding_mode', (args) => {
    args.checkMissing('rounding_mode');
    return graph.div(...align(args.operand('input'), args.operand('other')));
  }),
  pow: define('input exponent', (args) => graph.pow(...align(args.operand('input'), args.operand('exponent')))),
  minimum: binary(graph.minimum),
  maximum: binary(graph.maximum),
  eq: binary(graph.eq),
  ne: binary(graph.ne),
  lt: binary(graph.lt),
  le: binary(graph.le),
  gt: binary(graph.gt),
  ge: binary(graph.ge),
  logical_and: logical(graph.mul),
  logical_or: logical(graph.add),
  logical_not: unary((x) => graph.eq(x, 0)),
  bitwise_and: bitwise(graph.mul),
  bitwise_or: bitwise(graph.add),
  bitwise_not: unary((x) => graph.eq(boolean(x), 0)),
  where: define('condition input other', (args) => {
    const [condition, a, b] = align(args.node('condition'), args.operand('input'), args.operand('other'));
    if (condition instanceof Node) return graph.where(condition, a, b);
    throw refusedLoss('a tensor as condition', 'a number');
  }),

  neg: unary(graph.neg),
  exp: unary(graph.exp),
  expm1: unary(graph.expm1),
  log: unary(graph.log),
  log1p: unary(graph.log1p),
  sqrt: unary(graph.sqrt),
  rsqrt: unary((x) => graph.div(1, graph.sqrt(x))),
  square: unary((x) => graph.mul(x, x)),
  reciprocal: unary((x) => graph.div(1, x)),
  abs: unary(graph.abs),
  sign: unary(graph.sign),
  tanh: unary(graph.tanh),
  sigmoid: unary(graph.sigmoid),
  logsigmoid: unary(graph.logsigmoid),
  softplus: define('input beta threshold', (args) => {
    const beta = args.number('beta', 1);
    args.number('threshold', 0);
    return graph.div(graph.softplus(graph.mul(args.node('input'), beta)), beta);
  }),
  // The derivative at 0 is 0.
  relu: define('input inplace', (args) => graph.where(graph.gt(args.node('input'), 0), args.node('input'), 0)),
  silu: define('input inplace', (args) => graph.silu(args.node('input'))),
  clamp: define('input min max', (args) => {
    const [min, max] = [args.value('min'), args.value('max')];
    if (min === null && max === null) throw refusedLoss('min or max', 'neither');
    if (!(min instanceof Node) && !(max instanceof Node))
      return graph.clamp(args.node('input'), args.number('min', -Infinity), args.number('max', Infinity));
    const above = min === null ? args.node('input') : atLeast(args.node('input'), args.operand('min'));
    return max === null ? above : atMost(above, args.operand('max'));
  }),
  detach: unary(graph.detach),
  clone: same('input memory_format'),

  sum: reduction((x, axes, keepDims) => graph.sum(x, axes, keepDims)),
  mean: reduction((x, axes, keepDims) => graph.mean(x, axes, keepDims)),
  amax: reduction(amax),
  amin: reduction(amin),
  max: extreme(amax, graph.maximum),
  min: extreme(amin, graph.minimum),
  logsumexp: reduction(logsumexp),
  cumsum: define('input dim dtype', (args) => {
    args.checkFloat32('dtype');
    const x = args.node('input');
    return graph.cumsum(x, axisBehindBatch(args.integer('dim'), rankOf(x)));
  }),
  softmax: overLastAxis(graph.softmax),
  log_softmax: overLastAxis(graph.logSoftmax),
  numel: unary((x) =>
    graph.size(
      x,
      Array.from({ length: rankOf(x) }, (_, i) => i + 1),
    ),
  ),

  unsqueeze: define('input dim', (args) => {
    const x = args.node('input');
    return graph.unsqueeze(x, axisBehindBatch(args.integer('dim'), rankOf(x) + 1));
  }),
  squeeze: define('input dim', (args) => {
    const x = args.node('input');
    return graph.squeeze(x, axisBehindBatch(args.integer('dim'), rankOf(x)));
  }),
  cat: define('tensors dim', (args) => {
    const tensors = nodesOf(args.value('tensors'));
    return graph.concat(tensors, axisBehindBatch(args.integer('dim', 0), rankOf(tensors[0] ?? 0)));
  }),
  stack: define('tensors dim', (args) => {
    const tensors = nodesOf(args.value('tensors'));
    return graph.stack(tensors, axisBehindBatch(args.integer('dim', 0), rankOf(tensors[0] ?? 0) + 1));
  }),
  zeros_like: filledLike('input', () => 0),
  ones_like: filledLike('input', () => 1),
  full_like: filledLike('input fill_value', (args) => args.number('fill_value', NaN)),
};

/** What only tensors have. */
export const torchMethods: Readonly<Record<string, TorchFunction>> = {
  float: same('input'),
  contiguous: same('input memory_format'),
  bool: unary((x) => graph.ne(x, 0)),
  to: define('input dtype', (args) => {
    args.checkFloat32('dtype');
    return args.node('input');
  }),
  size: define('input dim', (args) => {
    const x = args.node('input');
    return args.value('dim') === null ? { kind: 'shape', of: x } : sizeOf(x, args.value('dim'));
  }),
  expand_as: define('input other', (args) => {
    const [x] = align(args.node('input'), args.node('other'));
    return graph.expandAs(x, args.node('other'));
  }),
};

/** Functions of Python's own. */
export const pythonFunctions: Readonly<Record<string, TorchFunction>> = {
  getitem: define('input index', (args) => indexTensor(args.value('input'), args.value('index'))),
  getattr: define('input name', (args) => {
    if (args.value('name') === 'shape') return { kind: 'shape', of: args.node('input') };
    throw refusedLoss('shape as the only attribute', describeLossValue(args.value('name')));
  }),
};

function nodesOf(value: LossValue): readonly Node[] {
  if (!Array.isArray(value) || value.length === 0) throw refusedLoss('a list of tensors', describeLossValue(value));
  return value.map((part: LossValue) => {
    if (part instanceof Node && part.shape.length > 0) return part;
    throw refusedLoss('tensors in the list', describeLossValue(part));
  });
}

function atLeast(x: Node, min: Operand): Node {
  const [a, b] = align(x, min);
  return graph.where(graph.lt(a, b), b, a);
}

function atMost(x: Node, max: Operand): Node {
  const [a, b] = align(x, max);
  return graph.where(graph.gt(a, b), b, a);
}
