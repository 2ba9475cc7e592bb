import { input, isOperation, reshape, slice, topologicalOrder, withInputs, type Node } from '../../graph/index.js';
import type { RuntimeInputs } from './runtime.js';

const joinedName = 'joined inputs';

/** A graph with fewer inputs than another, and what makes them of that other's. */
export interface JoinedInputs {
  readonly outputs: Readonly<Record<string, Node>>;
  join(inputs: RuntimeInputs): RuntimeInputs;
}

/** Cuts the named float32 inputs, whose sizes are known, out of one: each that goes to a device costs time of its own. */
export function joinInputs(outputs: Readonly<Record<string, Node>>, names: ReadonlySet<string>): JoinedInputs {
  const order = topologicalOrder(Object.values(outputs));
  const sizes = new Map<string, number>();
  for (const node of order)
    if (isOperation(node, 'input') && names.has(node.attributes.name)) {
      const size = node.shape.reduce<number>((product, part) => product * Number(part), 1);
      if (node.dtype === 'float32' && !Number.isNaN(size)) sizes.set(node.attributes.name, size);
    }
  if (sizes.size < 2) return { outputs, join: (inputs) => inputs };
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const whole = input(joinedName, [total]);
  const offsets = new Map<string, number>();
  let end = 0;
  for (const [name, size] of sizes) {
    offsets.set(name, end);
    end += size;
  }
  const replaced = new Map<Node, Node>();
  const replace = (node: Node): Node => {
    if (isOperation(node, 'input')) {
      const { name } = node.attributes;
      const offset = offsets.get(name);
      return offset === undefined
        ? node
        : reshape(slice(whole, 0, offset, offset + (sizes.get(name) ?? 0)), node.shape);
    }
    const inputs = node.inputs.map((from) => replaced.get(from) ?? from);
    return inputs.some((from, i) => from !== node.inputs[i]) ? withInputs(node, inputs) : node;
  };
  for (const node of order) replaced.set(node, replace(node));
  return {
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, node]) => [name, replaced.get(node) ?? node])),
    join(inputs) {
      const data = new Float32Array(total);
      const rest: Record<string, RuntimeInputs[string]> = { [joinedName]: { data, shape: [total] } };
      for (const [name, tensor] of Object.entries(inputs)) {
        const offset = offsets.get(name);
        if (offset === undefined) rest[name] = tensor;
        else data.set(tensor.data, offset);
      }
      return rest;
    },
  };
}
