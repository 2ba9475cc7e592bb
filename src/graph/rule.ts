import type { Node, OperationName, Operations, Shape } from './node.js';
import type { Tensor } from './tensor.js';

/** One value for each element of a tuple. */
type Each<Tuple extends readonly unknown[], Value> = { readonly [Index in keyof Tuple]: Value };

/** A tensor for each input of an operation. */
export type InputValues<Name extends OperationName> = Each<Operations[Name]['inputs'], Tensor>;

/** A gradient for each input of an operation; null where none flows. */
export type InputGradients<Name extends OperationName> = Each<Operations[Name]['inputs'], Node | null>;

/** What evaluation offers to the operations. */
export interface Evaluation {
  /** Zeros, in the precision of this evaluation. */
  allocate(length: number): Float32Array | Float64Array;
  /** Sizes for a shape's names, one of which may be unknown and follows from the number of elements. */
  resolve(shape: Shape, length: number): readonly number[];
  /** The tensor of an input, checked against its node. */
  feed(node: Node<'input'>): Tensor;
}

/** What an operation computes, and its vector-Jacobian product as a graph. */
export interface Rule<Name extends OperationName> {
  /** The value on concrete tensors. */
  value(inputs: InputValues<Name>, node: Node<Name>, evaluation: Evaluation): Tensor;
  /** From the gradient of a scalar by this node (of its shape), the gradients by its inputs (of theirs). */
  derivative(node: Node<Name>, gradient: Node): InputGradients<Name>;
}
