import { concat, isOperation, multiplySizes, reshape, topologicalOrder, type Node } from '../../graph/index.js';
import type { RuntimeInputs, Tensors } from './runtime.js';

const joinedName = 'joined outputs';

/** A graph with fewer outputs than another, and what gives that other's from them. */
export interface JoinedOutputs {
  readonly outputs: Readonly<Record<string, Node>>;
  /** Takes results apart, as views of the same memory. */
  split(results: Tensors, inputs: RuntimeInputs): Tensors;
}

/**
 * Writes the float32 outputs of a graph one after another into one: each output that a device gives costs a wait for
 * it. Those with sizes that are not sizes of inputs stay apart.
 */
export function joinOutputs(outputs: Readonly<Record<string, Node>>): JoinedOutputs {
  const axes = new Map<string, (readonly [input: string, axis: number])[]>();
  for (const node of topologicalOrder(Object.values(outputs)))
    if (isOperation(node, 'input'))
      node.shape.forEach((size, axis) => {
        if (typeof size === 'string') axes.set(size, [...(axes.get(size) ?? []), [node.attributes.name, axis]]);
      });
  const joins = ({ dtype, shape }: Node): boolean =>
    dtype === 'float32' && shape.every((size) => typeof size === 'number' || axes.has(size));
  const entries = Object.entries(outputs);
  const joined = entries.filter(([, node]) => joins(node));
  if (joined.length < 2) return { outputs, split: (results) => results };
  const flat = joined.map(([, node]) => reshape(node, [multiplySizes(...node.shape)]));
  return {
    outputs: { ...Object.fromEntries(entries.filter(([, node]) => !joins(node))), [joinedName]: concat(flat, 0) },
    split({ [joinedName]: whole, ...rest }, inputs) {
      const results: Record<string, Tensors[string]> = { ...rest };
      let offset = 0;
      for (const [name, node] of joined) {
        const shape = node.shape.map((size) => {
          if (typeof size === 'number') return size;
          // Inputs that a device keeps are left out.
          const [input = '', axis = 0] = axes.get(size)?.find(([name]) => inputs[name] !== undefined) ?? [];
          return inputs[input]?.shape[axis] ?? 0;
        });
        const length = shape.reduce((product, size) => product * size, 1);
        results[name] = { data: whole?.data.subarray(offset, offset + length) ?? new Float32Array(), shape };
        offset += length;
      }
      return results;
    },
  };
}
