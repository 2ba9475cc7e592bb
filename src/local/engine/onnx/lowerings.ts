import { TinkerError } from '../../../errors.js';
import type { Node, OperationName, Shape } from '../../../graph/index.js';
import { cachedAttention } from './cachedAttention.js';
import { elementType, type Emitter } from './emitter.js';

/** Writes an operation, its inputs known by name, as ONNX nodes (opset 17); returns the name of its value. */
type Lowering<Name extends OperationName> = (emitter: Emitter, inputs: readonly string[], node: Node<Name>) => string;

const toEnd = 2 ** 31 - 1;
const lastAxis = -1;

const direct =
  (opType: string): Lowering<OperationName> =>
  (e, inputs) =>
    e.emit(opType, inputs);

const overLastAxis =
  (opType: string): Lowering<OperationName> =>
  (e, inputs) =>
    e.emit(opType, inputs, { axis: lastAxis });

const comparison =
  (opType: string): Lowering<OperationName> =>
  (e, inputs) =>
    e.emit('Cast', [e.emit(opType, inputs)], { to: elementType.float32 });

const first: Lowering<OperationName> = (_, [x = '']) => x;

/** Attention over a cache of which some inputs are carried on. */
export function attention(
  e: Emitter,
  inputs: readonly string[],
  { inputs: [{ shape }, , , { shape: past }] }: Node<'cachedAttention'>,
  carried?: readonly [key: string, value: string],
): string {
  return cachedAttention(e, inputs, knownSize(shape.at(-1)), knownSize(past[1]), knownSize(past[3]), carried);
}

/** A product with one-hot rows adds in a fixed order; ScatterND with reduction does not promise one. */
export function sumOfRows(
  hotRows: typeof oneHot,
  productOfTransposed: (e: Emitter, inputs: readonly string[]) => string,
): Lowering<'scatterRows'> {
  return (e, [values = '', indices = ''], { shape }) => {
    const [rows = 0, ...rowSizes] = shape.map(knownSize);
    const width = rowSizes.reduce((product, size) => product * size, 1);
    const flatValues = e.emit('Reshape', [values, e.int64([-1, width])]);
    const hot = hotRows(e, e.emit('Reshape', [indices, e.int64([-1])]), rows);
    return e.emit('Reshape', [productOfTransposed(e, [hot, flatValues]), e.int64([rows, ...rowSizes])]);
  };
}

/** How each operation of the graph is written. */
export type Lowerings = { readonly [Name in OperationName]: Lowering<Name> };

/** Every operation of the graph in ONNX, with the contributed FusedMatMul of onnxruntime. */
export const lowerings: Lowerings = {
  input: (_e, _inputs, node) => node.attributes.name,
  constant: (e, _, { attributes: { value }, shape }) =>
    typeof value === 'number' ? e.scalar(value) : e.tensor(value, shape.map(knownSize)),

  add: direct('Add'),
  sub: direct('Sub'),
  mul: direct('Mul'),
  div: direct('Div'),
  pow: direct('Pow'),
  minimum: direct('Min'),
  maximum: direct('Max'),
  eq: comparison('Equal'),
  ne: (e, inputs) => e.emit('Cast', [e.emit('Not', [e.emit('Equal', inputs)])], { to: elementType.float32 }),
  lt: comparison('Less'),
  le: comparison('LessOrEqual'),
  gt: comparison('Greater'),
  ge: comparison('GreaterOrEqual'),
  where: (e, [condition = '', yes = '', no = '']) =>
    e.emit('Where', [e.emit('Cast', [condition], { to: elementType.bool }), yes, no]),

  neg: direct('Neg'),
  exp: direct('Exp'),
  // eˣ − 1 = tanh(x/2) · (eˣ + 1) keeps its digits near 0.
  expm1: (e, [x = '']) =>
    e.emit('Mul', [
      e.emit('Tanh', [e.emit('Mul', [x, e.scalar(0.5)])]),
      e.emit('Add', [e.emit('Exp', [x]), e.scalar(1)]),
    ]),
  log: direct('Log'),
  // Kahan's form: log(u) · x / (u − 1) with u = 1 + x rounded, and x itself where u is 1.
  log1p: (e, [x = '']) => {
    const u = e.emit('Add', [x, e.scalar(1)]);
    const ratio = e.emit('Div', [e.emit('Mul', [e.emit('Log', [u]), x]), e.emit('Sub', [u, e.scalar(1)])]);
    return e.emit('Where', [e.emit('Equal', [u, e.scalar(1)]), x, ratio]);
  },
  sqrt: direct('Sqrt'),
  abs: direct('Abs'),
  sign: direct('Sign'),
  tanh: direct('Tanh'),
  sigmoid: direct('Sigmoid'),
  logsigmoid: (e, inputs) => e.emit('Neg', [e.emit('Softplus', [e.emit('Neg', inputs)])]),
  softplus: direct('Softplus'),
  clamp: (e, [x = ''], { attributes: { min, max } }) => e.emit('Clip', [x, e.scalar(min), e.scalar(max)]),
  detach: first,

  sum: (e, [x = ''], { attributes: { axes, keepDims } }) =>
    e.emit('ReduceSum', [x, e.int64(axes)], { keepdims: Number(keepDims) }),
  mean: (e, inputs, { attributes: { axes, keepDims } }) =>
    e.emit('ReduceMean', inputs, { axes, keepdims: Number(keepDims) }),
  max: (e, inputs, { attributes: { axes, keepDims } }) =>
    e.emit('ReduceMax', inputs, { axes, keepdims: Number(keepDims) }),
  cumsum: (e, [x = ''], { attributes: { axis, reverse } }) =>
    e.emit('CumSum', [x, e.int64([axis])], { reverse: Number(reverse) }),
  size: (e, inputs, { attributes: { axes } }) => {
    const sizes = e.emit('Gather', [e.emit('Shape', inputs), e.int64(axes)]);
    return e.emit('Cast', [e.emit('ReduceProd', [sizes], { keepdims: 0 })], { to: elementType.float32 });
  },

  reshape: (e, [x = ''], { inputs: [from], shape }) => e.emit('Reshape', [x, e.int64(reshapeSizes(from.shape, shape))]),
  transpose: (e, inputs, { attributes: { permutation } }) => e.emit('Transpose', inputs, { perm: permutation }),
  unsqueeze: (e, [x = ''], { attributes: { axis } }) => e.emit('Unsqueeze', [x, e.int64([axis])]),
  squeeze: (e, [x = ''], { attributes: { axis } }) => e.emit('Squeeze', [x, e.int64([axis])]),
  expand: (e, [x = ''], { attributes: { sizes } }) =>
    e.emit('Expand', [x, e.int64(sizes.map((size) => (size === -1 ? 1 : size)))]),
  expandAs: (e, [x = '', like = '']) => e.emit('Expand', [x, e.emit('Shape', [like])]),
  concat: (e, inputs, { attributes: { axis } }) => e.emit('Concat', inputs, { axis }),
  slice: (e, [x = ''], { attributes: { axis, start, end } }) => slice(e, x, axis, start, end ?? toEnd),
  sliceScatter: (e, [x = '', like = ''], { attributes: { axis, start, end } }) => {
    const zeros = (from: number, to: number): string =>
      e.emit('ConstantOfShape', [e.emit('Shape', [slice(e, like, axis, from, to)])]);
    const after = end === undefined ? [] : [zeros(end, toEnd)];
    return e.emit('Concat', [zeros(0, start), x, ...after], { axis });
  },
  splitPart: (e, [joined = '', ...parts], { attributes: { axis, index } }) => {
    const sizes = parts.map((part) => e.emit('Shape', [part], { start: axis, end: axis + 1 }));
    const pieces = e.emitMany(parts.length, 'Split', [joined, e.emit('Concat', sizes, { axis: 0 })], { axis });
    return pieces[index] ?? '';
  },

  matmul: (e, inputs, { attributes: { transA, transB, alpha } }) =>
    transA || transB || alpha !== 1
      ? e.emit(
          'FusedMatMul',
          inputs,
          { transA: Number(transA), transB: Number(transB), alpha: { float: alpha } },
          'com.microsoft',
        )
      : e.emit('MatMul', inputs),
  rmsNorm: direct('Mul'),
  inverseRms: (e, [x = ''], { attributes: { eps } }) => {
    const squares = e.emit('ReduceMean', [e.emit('Mul', [x, x])], { axes: [lastAxis], keepdims: 1 });
    return e.emit('Reciprocal', [e.emit('Sqrt', [e.emit('Add', [squares, e.scalar(eps)])])]);
  },
  silu: direct('Mul'),
  softmax: overLastAxis('Softmax'),
  logSoftmax: overLastAxis('LogSoftmax'),
  rope: (e, [x = '', cos = '', sin = '', positions = ''], { inputs, shape, attributes: { inverse } }) => {
    const ids = e.emit('Cast', [positions], { to: elementType.int64 });
    const heads = knownSize(shape.at(-1)) / (2 * knownSize(inputs[1].shape.at(-1)));
    const sines = inverse ? e.emit('Neg', [sin]) : sin;
    return e.emit('RotaryEmbedding', [x, ids, cos, sines], { num_heads: heads }, 'com.microsoft');
  },
  cachedAttention: (e, inputs, node) => attention(e, inputs, node),
  gather: direct('Gather'),
  scatterRows: sumOfRows(oneHot, (e, inputs) => e.emit('FusedMatMul', inputs, { transA: 1 }, 'com.microsoft')),
  logprob: (e, [, target = '', logSoftmax = '']) => {
    const chosen = e.emit('GatherElements', [logSoftmax, e.emit('Unsqueeze', [target, e.int64([lastAxis])])], {
      axis: lastAxis,
    });
    return e.emit('Squeeze', [chosen, e.int64([lastAxis])]);
  },
  oneHot: (e, [indices = ''], { attributes: { classes } }) => oneHot(e, indices, classes),
};

function slice(e: Emitter, x: string, axis: number, start: number, end: number): string {
  return e.emit('Slice', [x, e.int64([start]), e.int64([end]), e.int64([axis])]);
}

function oneHot(e: Emitter, indices: string, classes: number): string {
  const depth = e.tensor(Int32Array.of(classes), [1]);
  return e.emit('OneHot', [indices, depth, e.tensor(Float32Array.of(0, 1), [2])], { axis: lastAxis });
}

/** Sizes as ONNX wants them: 0 keeps the size at the same place, one −1 follows from the rest. */
function reshapeSizes(from: Shape, to: Shape): number[] {
  const sizes = to.map((size, axis) => (typeof size === 'number' ? size : size === from[axis] ? 0 : -1));
  if (sizes.filter((size) => size === -1).length > 1)
    throw new TinkerError(
      'invalid_argument',
      `Expected a reshape that moves at most one size known only at run time, got [${from.join(', ')}] to [${to.join(', ')}].`,
    );
  return sizes;
}

function knownSize(size: number | string | undefined): number {
  if (typeof size !== 'number')
    throw new TinkerError('invalid_argument', `Expected a size known before the run, got ${String(size)}.`);
  return size;
}
