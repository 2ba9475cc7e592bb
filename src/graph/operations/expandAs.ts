import { invalidArgument } from '../../errors.js';
import { broadcastTensor } from '../kernels.js';
import { Node, type Operand, type Operations } from '../node.js';
import type { Rule } from '../rule.js';
import { broadcastShapes, describeShape, sameShape } from '../sizes.js';
import { sumToShape } from '../sumToShape.js';
import { toNode } from './constant.js';
import { unsqueeze } from './unsqueeze.js';

/**
 * x broadcast to the shape of another node; x itself where it has that shape.
 *
 * @throws TinkerError `invalid_argument` when x does not broadcast to it.
 */
export function expandAs(x: Operand, like: Node): Node {
  const node = toNode(x);
  if (sameShape(node.shape, like.shape)) return node;
  if (!sameShape(broadcastShapes('expandAs', node.shape, like.shape), like.shape))
    throw invalidArgument(`a shape that broadcasts to ${describeShape(like.shape)}`, describeShape(node.shape));
  return new Node('expandAs', [node, like], {}, like.shape, node.dtype);
}

/** The derivative of a sum: each reduced element gets the gradient of its group. */
export function expandReduced(gradient: Node, x: Node, { axes, keepDims }: Operations['sum']['attributes']): Node {
  const whole = keepDims || axes.length === x.shape.length;
  return expandAs(whole ? gradient : axes.reduce<Node>(unsqueeze, gradient), x);
}

/** Evaluation and derivative of {@link expandAs}. */
export const expandAsRule: Rule<'expandAs'> = {
  value: ([x, like], _, evaluation) => broadcastTensor(x, like.shape, evaluation),
  derivative: ({ inputs: [x] }, gradient) => [sumToShape(gradient, x.shape), null],
};
