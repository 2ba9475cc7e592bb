import type { Node, OperationName } from '../../graph/index.js';
import type { TorchNode, TorchValue } from './torchGraph.js';

/** What a lowering writes: arguments are numbers or references to what was written before. */
export interface TorchWriter {
  /** The value of an operand. */
  value(node: Node): TorchValue;
  /** The value of a condition: a tensor of booleans. */
  condition(node: Node): TorchValue;
  /** A tensor; a number is given the shape of another operand. */
  tensor(node: Node, like: Node): TorchValue;
  call(target: string, args: readonly TorchValue[], kwargs?: TorchNode['kwargs']): TorchValue;
  method(target: string, args: readonly TorchValue[]): TorchValue;
}

type Lowering<Name extends OperationName> = (node: Node<Name>, torch: TorchWriter) => TorchValue;

type Unary = 'neg' | 'exp' | 'expm1' | 'log' | 'log1p' | 'sqrt' | 'abs' | 'sign' | 'tanh' | 'sigmoid';
const unary =
  (target: string) =>
  ({ inputs: [x] }: Node<Unary | 'logsigmoid' | 'softplus'>, torch: TorchWriter): TorchValue =>
    torch.call(target, [torch.value(x)]);

/** Python's operators take a number on either side, which functions of torch do not. */
const operator =
  (target: string) =>
  ({ inputs: [a, b] }: Node<'add' | 'sub' | 'mul' | 'div' | 'pow'>, torch: TorchWriter): TorchValue =>
    torch.call(`operator.${target}`, [torch.value(a), torch.value(b)]);

type Comparison = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';
const comparison = ({ operation, inputs: [a, b] }: Node<Comparison>, torch: TorchWriter): TorchValue =>
  torch.call(`operator.${operation}`, [torch.value(a), torch.value(b)]);

const extreme = ({ operation, inputs: [a, b] }: Node<'minimum' | 'maximum'>, torch: TorchWriter): TorchValue =>
  torch.call(`torch.${operation}`, [torch.tensor(a, b), torch.tensor(b, a)]);

const reduction =
  (target: string) =>
  ({ inputs: [x], attributes: { axes, keepDims } }: Node<'sum' | 'mean' | 'max'>, torch: TorchWriter): TorchValue =>
    // In torch no axes mean all of them.
    axes.length === 0 ? torch.value(x) : torch.call(target, [torch.value(x)], { dim: axes, keepdim: keepDims });

const overLastAxis =
  (target: string) =>
  ({ inputs: [x] }: Node<'softmax' | 'logSoftmax'>, torch: TorchWriter): TorchValue =>
    torch.call(target, [torch.value(x)], { dim: -1 });

/** Whether the result is a tensor of booleans in torch, where it is one of 0 and 1 here. */
export function isComparison(node: Node): boolean {
  return ['eq', 'ne', 'lt', 'le', 'gt', 'ge'].includes(node.operation);
}

/** How each operation is written for PyTorch; undefined for those that a loss of one datum can't have there. */
export const lowerings = {
  // Inputs and constants are written where they are used.
  input: undefined,
  constant: undefined,
  add: operator('add'),
  sub: operator('sub'),
  mul: operator('mul'),
  div: operator('truediv'),
  pow: operator('pow'),
  minimum: extreme,
  maximum: extreme,
  eq: comparison,
  ne: comparison,
  lt: comparison,
  le: comparison,
  gt: comparison,
  ge: comparison,
  where: ({ inputs: [condition, a, b] }, torch) =>
    torch.call('torch.where', [torch.condition(condition), torch.value(a), torch.value(b)]),
  neg: unary('torch.neg'),
  exp: unary('torch.exp'),
  expm1: unary('torch.expm1'),
  log: unary('torch.log'),
  log1p: unary('torch.log1p'),
  sqrt: unary('torch.sqrt'),
  abs: unary('torch.abs'),
  sign: unary('torch.sign'),
  tanh: unary('torch.tanh'),
  sigmoid: unary('torch.sigmoid'),
  logsigmoid: unary('torch.nn.functional.logsigmoid'),
  softplus: unary('torch.nn.functional.softplus'),
  silu: ({ inputs: [x] }, torch) => torch.call('torch.nn.functional.silu', [torch.value(x)]),
  clamp: ({ inputs: [x], attributes: { min, max } }, torch) => {
    const bounds = { ...(min !== -Infinity && { min }), ...(max !== Infinity && { max }) };
    return Object.keys(bounds).length === 0 ? torch.value(x) : torch.call('torch.clamp', [torch.value(x)], bounds);
  },
  detach: ({ inputs: [x] }, torch) => torch.method('detach', [torch.value(x)]),
  sum: reduction('torch.sum'),
  mean: reduction('torch.mean'),
  max: reduction('torch.amax'),
  cumsum: ({ inputs: [x], attributes: { axis, reverse } }, torch) => {
    if (reverse) throw new NotLowerable('cumsum from the end');
    return torch.call('torch.cumsum', [torch.value(x)], { dim: axis });
  },
  size: undefined,
  reshape: undefined,
  transpose: undefined,
  unsqueeze: ({ inputs: [x], attributes: { axis } }, torch) => torch.call('torch.unsqueeze', [torch.value(x), axis]),
  squeeze: ({ inputs: [x], attributes: { axis } }, torch) => torch.call('torch.squeeze', [torch.value(x), axis]),
  expand: undefined,
  expandAs: ({ inputs: [x, other] }, torch) => torch.method('expand_as', [torch.tensor(x, other), torch.value(other)]),
  concat: ({ inputs, attributes: { axis } }, torch) =>
    torch.call('torch.cat', [inputs.map((x) => torch.value(x))], { dim: axis }),
  slice: ({ inputs: [x], attributes: { axis, start, end } }, torch) => {
    const whole: TorchValue = { slice: [null, null, null] };
    const tuple = [...Array.from({ length: axis }, () => whole), { slice: [start, end ?? null, null] as const }];
    return torch.call('operator.getitem', [torch.value(x), { tuple }]);
  },
  sliceScatter: undefined,
  splitPart: undefined,
  matmul: undefined,
  rmsNorm: undefined,
  inverseRms: undefined,
  softmax: overLastAxis('torch.softmax'),
  logSoftmax: overLastAxis('torch.log_softmax'),
  rope: undefined,
  cachedAttention: undefined,
  gather: undefined,
  scatterRows: undefined,
  logprob: undefined,
  oneHot: undefined,
} satisfies { readonly [Name in OperationName]: Lowering<Name> | undefined };

/** Says why a loss can't be written for PyTorch; never seen outside. */
export class NotLowerable extends Error {}
