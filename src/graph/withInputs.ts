import { Node, type OperationName } from './node.js';

/** The same operation on other inputs, each of the operation, shape and type of the one that it replaces. */
export function withInputs<Name extends OperationName>(node: Node<Name>, inputs: readonly Node[]): Node<Name> {
  return new Node(node.operation, inputs, node.attributes, node.shape, node.dtype);
}
