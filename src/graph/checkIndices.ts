import { invalidArgument } from '../errors.js';
import type { Node } from './node.js';
import type { TensorArray } from './tensor.js';

/** Checks that a node holds integers. */
export function checkInt32(operation: string, node: Node): void {
  if (node.dtype !== 'int32') throw invalidArgument(`int32 indices for ${operation}`, node.dtype);
}

/** Checks that every index lies in 0 … count − 1. */
export function checkIndices(operation: string, indices: TensorArray, count: number): void {
  for (const index of indices)
    if (!(index >= 0 && index < count))
      throw invalidArgument(`indices from 0 to ${String(count - 1)} for ${operation}`, index);
}
