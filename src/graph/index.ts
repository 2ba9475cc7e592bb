export type { DType, Operand, OperationName, Operations, Shape, Size } from './node.js';
export { Node, isOperation } from './node.js';
export type { Tensor, TensorArray } from './tensor.js';
