import type { Node } from './node.js';
import { input } from './operations/input.js';
import type { Tensor } from './tensor.js';

/** Inputs with the shapes and dtypes of tensors, so that sizes that don't fit are found while a loss is traced. */
export function inputsLike<Name extends string>(tensors: Readonly<Record<Name, Tensor>>): Record<Name, Node<'input'>> {
  const inputs = Object.entries<Tensor>(tensors).map(([name, { data, shape }]) => [
    name,
    input(name, shape, data instanceof Int32Array ? 'int32' : 'float32'),
  ]);
  // The entries are those of tensors, whose names fromEntries forgets.
  return Object.fromEntries(inputs) as Record<Name, Node<'input'>>;
}
