/**
 * A size along one axis: a number, or a name for one that is known only when the graph runs (`batch`, `sequence`).
 * Sizes derived from names are names too: `past+sequence`, `n-1`, `batch*sequence`.
 */
export type Size = number | string;

/** The sizes of a tensor, outermost axis first; `[]` is a scalar. */
export type Shape = readonly Size[];

/** What a tensor holds: float32 numbers, or int32 for tokens and targets. Comparisons give float32 zeros and ones. */
export type DType = 'float32' | 'int32';

interface Form<Inputs extends readonly Node[], Attributes extends object = Record<string, never>> {
  readonly inputs: Readonly<Inputs>;
  readonly attributes: Readonly<Attributes>;
}

interface Reduction {
  /** Reduced axes, ascending, counted from 0. */
  readonly axes: readonly number[];
  /** Whether reduced axes stay, with size 1. */
  readonly keepDims: boolean;
}

/**
 * Every operation of the graph with its inputs and attributes. Axes in attributes are counted from 0; sizes and
 * elementwise operations are named and behave as in PyTorch. Inputs that are functions of the inputs before them (the
 * sigmoid of silu, …) are there so that a derivative can use them again; the derivative of the operation covers them.
 */
export interface Operations {
  /** A tensor given when the graph runs. */
  input: Form<[], { name: string }>;
  /** A number (shape `[]`) or a tensor in row-major order. */
  constant: Form<[], { value: number | Float32Array | Int32Array }>;

  add: Form<[Node, Node]>;
  sub: Form<[Node, Node]>;
  mul: Form<[Node, Node]>;
  div: Form<[Node, Node]>;
  pow: Form<[Node, Node]>;
  minimum: Form<[Node, Node]>;
  maximum: Form<[Node, Node]>;
  eq: Form<[Node, Node]>;
  ne: Form<[Node, Node]>;
  lt: Form<[Node, Node]>;
  le: Form<[Node, Node]>;
  gt: Form<[Node, Node]>;
  ge: Form<[Node, Node]>;
  /** Condition (not 0 is true), value where true, value where false. */
  where: Form<[Node, Node, Node]>;

  neg: Form<[Node]>;
  exp: Form<[Node]>;
  expm1: Form<[Node]>;
  log: Form<[Node]>;
  log1p: Form<[Node]>;
  sqrt: Form<[Node]>;
  abs: Form<[Node]>;
  sign: Form<[Node]>;
  tanh: Form<[Node]>;
  sigmoid: Form<[Node]>;
  logsigmoid: Form<[Node]>;
  softplus: Form<[Node]>;
  clamp: Form<[Node], { min: number; max: number }>;
  /** The same value, through which no gradient flows. */
  detach: Form<[Node]>;

  sum: Form<[Node], Reduction>;
  mean: Form<[Node], Reduction>;
  max: Form<[Node], Reduction>;
  cumsum: Form<[Node], { axis: number; reverse: boolean }>;
  /** How many elements the axes hold, as a float32 scalar. */
  size: Form<[Node], { axes: readonly number[] }>;

  reshape: Form<[Node]>;
  transpose: Form<[Node], { permutation: readonly number[] }>;
  unsqueeze: Form<[Node], { axis: number }>;
  squeeze: Form<[Node], { axis: number }>;
  /** Broadcast to `sizes`, of the same rank; −1 keeps a size. */
  expand: Form<[Node], { sizes: readonly number[] }>;
  /** Broadcast to the shape of the second input, which gives nothing but its shape. */
  expandAs: Form<[Node, Node]>;
  /** One or more tensors, joined along an axis. */
  concat: Form<Node[], { axis: number }>;
  /** `start` and `end` as in `Array.slice`; `end` is missing to go to the end. */
  slice: Form<[Node], { axis: number; start: number; end?: number }>;
  /** The derivative of slice: zeros shaped like the second input, with the first at `start` … `end` of the axis. */
  sliceScatter: Form<[Node, Node], { axis: number; start: number; end?: number }>;
  /** The derivative of concat: the part of the first input that lies where the input `index` of concat (the others) was. */
  splitPart: Form<[Node, ...Node[]], { axis: number; index: number }>;

  /** alpha · op(a) · op(b) on the last two axes; leading axes broadcast. */
  matmul: Form<[Node, Node], { transA: boolean; transB: boolean; alpha: number }>;
  /** x, and its inverseRms. x / √(mean(x²) + eps) over the last axis. */
  rmsNorm: Form<[Node, Node<'inverseRms'>]>;
  /** 1 / √(mean(x²) + eps) over the last axis, which stays with size 1. */
  inverseRms: Form<[Node], { eps: number }>;
  /** x, and its sigmoid. x · sigmoid(x). */
  silu: Form<[Node, Node<'sigmoid'>]>;
  /** Over the last axis. */
  softmax: Form<[Node]>;
  /** Over the last axis. */
  logSoftmax: Form<[Node]>;
  /** x [batch, sequence, heads · c], cos and sin [n, c / 2], int32 positions [batch, sequence]. Inverse: rotates back. */
  rope: Form<[Node, Node, Node, Node], { inverse: boolean }>;
  /** query, key, value, pastKey, pastValue, ends: attention over a cache and the new tokens; without a derivative. */
  cachedAttention: Form<[Node, Node, Node, Node, Node, Node]>;
  /** table [rows, …], int32 indices: rows of the table, shaped [...indices, …]. */
  gather: Form<[Node, Node]>;
  /** The derivative of gather: rows [...indices, …] summed at int32 indices into zeros shaped like the third input. */
  scatterRows: Form<[Node, Node, Node]>;
  /** logits [..., classes], int32 target [...], the logSoftmax of logits: log-probability of each target. */
  logprob: Form<[Node, Node, Node<'logSoftmax'>]>;
  /** int32 indices: float32 ones at them along a new last axis of `classes`. */
  oneHot: Form<[Node], { classes: number }>;
}

/** The name of an operation. */
export type OperationName = keyof Operations;

/**
 * One value of the graph: an operation, what it is applied to, and the shape of the result. Made by the builders
 * (`add`, `matmul`, …), which check shapes; never changed.
 */
export class Node<Name extends OperationName = OperationName> {
  constructor(
    readonly operation: Name,
    readonly inputs: Operations[Name]['inputs'],
    readonly attributes: Operations[Name]['attributes'],
    readonly shape: Shape,
    readonly dtype: DType = 'float32',
  ) {}
}

/** Whether a node is of this operation; narrows its inputs and attributes. */
export function isOperation<Name extends OperationName>(node: Node, name: Name): node is Node<Name> {
  return node.operation === name;
}

/** A node, or a number that stands for a float32 scalar. */
export type Operand = Node | number;
