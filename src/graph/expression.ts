import { invalidArgument } from '../errors.js';
import type { Node, Operand, Shape } from './node.js';
import * as operations from './operations/index.js';

/** What an expression is combined with: another one, or a number. */
export type ExpressionOperand = Expression | number;

type Axes = number | readonly number[];

/**
 * A value of the graph with the operations as methods, for losses: named and behaving as PyTorch's, with broadcasting.
 * Nothing is computed until the graph runs. Axes count from 0, or from the end as −1, −2, ….
 *
 * Every method throws a TinkerError `invalid_argument` on an operand that is neither an expression nor a number, and
 * on shapes that don't fit.
 *
 * @example
 * ```ts
 * const { logprobs, advantages } = inputsOfRank({ logprobs: 1, advantages: 1 });
 * const loss = new Expression(logprobs).mul(new Expression(advantages)).neg().sum();
 * ```
 */
export class Expression {
  constructor(readonly node: Node) {}

  /** A fixed number, or a fixed tensor in row-major order (one axis if no shape is given). */
  static constant(value: number | Float32Array | Int32Array, shape?: readonly number[]): Expression {
    return new Expression(operations.constant(value, shape));
  }

  /** Joins along an axis. */
  static concat(expressions: readonly Expression[], axis = 0): Expression {
    return new Expression(operations.concat(expressions.map(nodeOf('concat')), axis));
  }

  /** Joins along a new axis. */
  static stack(expressions: readonly Expression[], axis = 0): Expression {
    return new Expression(operations.stack(expressions.map(nodeOf('stack')), axis));
  }

  /** Sizes, outermost axis first; names for those known only when the graph runs. */
  get shape(): Shape {
    return this.node.shape;
  }

  /** this + other. */
  add(other: ExpressionOperand): Expression {
    return new Expression(operations.add(this.node, operand('add', other)));
  }

  /** this − other. */
  sub(other: ExpressionOperand): Expression {
    return new Expression(operations.sub(this.node, operand('sub', other)));
  }

  /** this · other, elementwise. */
  mul(other: ExpressionOperand): Expression {
    return new Expression(operations.mul(this.node, operand('mul', other)));
  }

  /** this / other. */
  div(other: ExpressionOperand): Expression {
    return new Expression(operations.div(this.node, operand('div', other)));
  }

  /** this to the power of other. */
  pow(other: ExpressionOperand): Expression {
    return new Expression(operations.pow(this.node, operand('pow', other)));
  }

  /** The smaller of the two, elementwise; equal ones share the gradient evenly. */
  minimum(other: ExpressionOperand): Expression {
    return new Expression(operations.minimum(this.node, operand('minimum', other)));
  }

  /** The larger of the two, elementwise; equal ones share the gradient evenly. */
  maximum(other: ExpressionOperand): Expression {
    return new Expression(operations.maximum(this.node, operand('maximum', other)));
  }

  /** 1 where this = other, else 0; as the other comparisons it passes no gradient. */
  eq(other: ExpressionOperand): Expression {
    return new Expression(operations.eq(this.node, operand('eq', other)));
  }

  /** 1 where this ≠ other, else 0. */
  ne(other: ExpressionOperand): Expression {
    return new Expression(operations.ne(this.node, operand('ne', other)));
  }

  /** 1 where this < other, else 0. */
  lt(other: ExpressionOperand): Expression {
    return new Expression(operations.lt(this.node, operand('lt', other)));
  }

  /** 1 where this ≤ other, else 0. */
  le(other: ExpressionOperand): Expression {
    return new Expression(operations.le(this.node, operand('le', other)));
  }

  /** 1 where this > other, else 0. */
  gt(other: ExpressionOperand): Expression {
    return new Expression(operations.gt(this.node, operand('gt', other)));
  }

  /** 1 where this ≥ other, else 0. */
  ge(other: ExpressionOperand): Expression {
    return new Expression(operations.ge(this.node, operand('ge', other)));
  }

  /** this where the condition is not 0, else other. Unlike a product with a mask it lets no NaN through. */
  where(condition: Expression, other: ExpressionOperand): Expression {
    return new Expression(operations.where(nodeOf('where')(condition), this.node, operand('where', other)));
  }

  /** −this. */
  neg(): Expression {
    return new Expression(operations.neg(this.node));
  }

  /** e to the power of this. */
  exp(): Expression {
    return new Expression(operations.exp(this.node));
  }

  /** exp − 1, exact near 0. */
  expm1(): Expression {
    return new Expression(operations.expm1(this.node));
  }

  /** Natural logarithm. */
  log(): Expression {
    return new Expression(operations.log(this.node));
  }

  /** ln(1 + this), exact near 0. */
  log1p(): Expression {
    return new Expression(operations.log1p(this.node));
  }

  /** Square root. */
  sqrt(): Expression {
    return new Expression(operations.sqrt(this.node));
  }

  /** Absolute value; the derivative at 0 is 0. */
  abs(): Expression {
    return new Expression(operations.abs(this.node));
  }

  /** −1, 0 or 1; passes no gradient. */
  sign(): Expression {
    return new Expression(operations.sign(this.node));
  }

  /** Hyperbolic tangent. */
  tanh(): Expression {
    return new Expression(operations.tanh(this.node));
  }

  /** 1 / (1 + exp(−this)). */
  sigmoid(): Expression {
    return new Expression(operations.sigmoid(this.node));
  }

  /** ln sigmoid, without overflow. */
  logsigmoid(): Expression {
    return new Expression(operations.logsigmoid(this.node));
  }

  /** ln(1 + exp), without overflow. */
  softplus(): Expression {
    return new Expression(operations.softplus(this.node));
  }

  /** this · sigmoid. */
  silu(): Expression {
    return new Expression(operations.silu(this.node));
  }

  /** Softmax over the last axis. */
  softmax(): Expression {
    return new Expression(operations.softmax(this.node));
  }

  /** Logarithm of the softmax over the last axis. */
  logSoftmax(): Expression {
    return new Expression(operations.logSoftmax(this.node));
  }

  /** The same value, through which no gradient flows. */
  detach(): Expression {
    return new Expression(operations.detach(this.node));
  }

  /** Within min … max; the gradient passes within and at the bounds. ±Infinity leaves a side open. */
  clamp(min = -Infinity, max = Infinity): Expression {
    return new Expression(operations.clamp(this.node, min, max));
  }

  /** The sum over axes, or all. */
  sum(axes?: Axes, keepDims = false): Expression {
    return new Expression(operations.sum(this.node, axes, keepDims));
  }

  /** The mean over axes, or all. */
  mean(axes?: Axes, keepDims = false): Expression {
    return new Expression(operations.mean(this.node, axes, keepDims));
  }

  /** The largest value over axes, or all; equal ones share the gradient evenly. */
  max(axes?: Axes, keepDims = false): Expression {
    return new Expression(operations.max(this.node, axes, keepDims));
  }

  /** Running sums along an axis, from the end to the start if `reverse`. */
  cumsum(axis = 0, reverse = false): Expression {
    return new Expression(operations.cumsum(this.node, axis, reverse));
  }

  /** The part of an axis from `start` to before `end`, as `Array.slice`. */
  slice(start: number, end?: number, axis = 0): Expression {
    return new Expression(operations.slice(this.node, axis, start, end));
  }

  /** One place of an axis, which is gone from the result. */
  select(index: number, axis = 0): Expression {
    return new Expression(operations.select(this.node, axis, index));
  }

  /** The places of the first axis at int32 indices. */
  gather(indices: Expression): Expression {
    return new Expression(operations.gather(this.node, nodeOf('gather')(indices)));
  }

  /** Matrix product over the last two axes. */
  matmul(other: Expression): Expression {
    return new Expression(operations.matmul(this.node, nodeOf('matmul')(other)));
  }

  /** The same elements in another shape. */
  reshape(shape: Shape): Expression {
    return new Expression(operations.reshape(this.node, shape));
  }

  /** Axes in another order; of a matrix, swapped. */
  transpose(permutation: readonly number[] = [1, 0]): Expression {
    return new Expression(operations.transpose(this.node, permutation));
  }

  /** With a new axis of size 1. */
  unsqueeze(axis: number): Expression {
    return new Expression(operations.unsqueeze(this.node, axis));
  }

  /** Without an axis of size 1. */
  squeeze(axis: number): Expression {
    return new Expression(operations.squeeze(this.node, axis));
  }

  /** Broadcast to the shape of another. */
  expandAs(other: Expression): Expression {
    return new Expression(operations.expandAs(this.node, nodeOf('expandAs')(other)));
  }
}

/** Checks operands at run time too, where JavaScript or a misspelled name of an input brings something else. */
function operand(operation: string, value: unknown): Operand {
  if (typeof value === 'number') return value;
  return nodeOf(operation)(value);
}

function nodeOf(operation: string): (value: unknown) => Node {
  return (value) => {
    if (value instanceof Expression) return value.node;
    throw invalidArgument(
      `an expression or a number for ${operation}`,
      value,
      'Tensors become expressions by Expression.constant; undefined is often an input by another name.',
    );
  };
}
