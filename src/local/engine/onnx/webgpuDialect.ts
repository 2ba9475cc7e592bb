import { elementType, type Emitter } from './emitter.js';
import { cacheInputs } from './carriedCaches.js';
import { attention, lowerings, sumOfRows, type Lowerings } from './lowerings.js';
import type { Dialect } from './toOnnx.js';

const lastAxis = -1;

/**
 * Every operation in nodes of which onnxruntime's WebGPU provider has kernels: what it lacks (FusedMatMul, LogSoftmax,
 * OneHot, Sign) would run on the processor, with copies there and back.
 */
const webgpuLowerings: Lowerings = {
  ...lowerings,
  matmul: (e, [a = '', b = ''], { inputs, attributes: { transA, transB, alpha } }) => {
    const [left, right] = inputs.map(({ shape }) => shape.length);
    if (left === 2 && right === 2)
      return e.emit('Gemm', [a, b], { transA: Number(transA), transB: Number(transB), alpha: { float: alpha } });
    const product = e.emit('MatMul', [transA ? swapLast(e, a, left ?? 2) : a, transB ? swapLast(e, b, right ?? 2) : b]);
    return alpha === 1 ? product : e.emit('Mul', [product, e.scalar(alpha)]);
  },
  logSoftmax: (e, [x = '']) => {
    const shifted = e.emit('Sub', [x, e.emit('ReduceMax', [x], { axes: [lastAxis], keepdims: 1 })]);
    const total = e.emit('ReduceSum', [e.emit('Exp', [shifted]), e.int64([lastAxis])], { keepdims: 1 });
    return e.emit('Sub', [shifted, e.emit('Log', [total])]);
  },
  cachedAttention: (e, inputs, node) => attention(e, inputs, node, cacheInputs(node)),
  oneHot: (e, [indices = ''], { attributes: { classes } }) => oneHot(e, indices, classes),
  scatterRows: sumOfRows(oneHot, (e, inputs) => e.emit('Gemm', inputs, { transA: 1 })),
  sign: (e, [x = '']) => {
    const [above, below] = ['Greater', 'Less'].map((order) =>
      e.emit('Cast', [e.emit(order, [x, e.scalar(0)])], { to: elementType.float32 }),
    );
    return e.emit('Sub', [above ?? '', below ?? '']);
  },
};

/** What onnxruntime's WebGPU provider runs without the processor. */
export const webgpuDialect: Dialect = { lowerings: webgpuLowerings, gathersInt8: false, carriesCaches: true };

/** Swaps the last two of so many axes. */
function swapLast(e: Emitter, x: string, rank: number): string {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return e.emit('Transpose', [x], { perm: [...axes.slice(0, -2), rank - 1, rank - 2] });
}

/** Ones at the indices along a new last axis. */
function oneHot(e: Emitter, indices: string, classes: number): string {
  const range = e.tensor(
    Int32Array.from({ length: classes }, (_, i) => i),
    [classes],
  );
  const equal = e.emit('Equal', [e.emit('Unsqueeze', [indices, e.int64([lastAxis])]), range]);
  return e.emit('Cast', [equal], { to: elementType.float32 });
}
