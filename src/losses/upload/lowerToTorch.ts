import { evaluate, isOperation, type Node, topologicalOrder } from '../../graph/index.js';
import { isComparison, lowerings, NotLowerable, type TorchWriter } from './lowerings.js';
import type { TorchGraph, TorchNode, TorchValue } from './torchGraph.js';

/** Name of the model's logprobs among the inputs of a loss. */
export const LOGPROBS = 'logprobs';

/**
 * Writes the graph of a loss and its metrics as torch.fx would record it; its inputs are the graph's, by name.
 *
 * @throws NotLowerable for what has no form there.
 */
export function lowerToTorch(loss: Node, metrics: Readonly<Record<string, Node>>): TorchGraph {
  const order = topologicalOrder([loss, ...Object.values(metrics)]);
  const inputs = order.filter((node) => isOperation(node, 'input')).sort(byName);
  const writer = new Writer(inputs);
  for (const node of order) writer.write(node);
  const scalars = Object.entries(metrics).map(([name, node]) => [name, writer.reference(node)] as const);
  return {
    inputs: inputs.map(({ attributes: { name }, shape }) => ({ name, rank: shape.length })),
    nodes: [
      ...writer.nodes,
      {
        op: 'output',
        name: 'output',
        target: 'output',
        args: [{ tuple: [writer.reference(loss), { dict: Object.fromEntries(scalars) }] }],
        kwargs: {},
      },
    ],
  };
}

/** The logprobs first, the others by their names. */
function byName(a: Node<'input'>, b: Node<'input'>): number {
  const key = ({ attributes: { name } }: Node<'input'>): string => (name === LOGPROBS ? '' : name);
  return key(a) < key(b) ? -1 : 1;
}

class Writer implements TorchWriter {
  readonly nodes: TorchNode[] = [];
  private readonly values = new Map<Node, TorchValue>();
  private readonly conditions = new Map<Node, TorchValue>();
  private readonly constants = new Set<Node>();

  constructor(inputs: readonly Node<'input'>[]) {
    for (const node of inputs) {
      const { name } = node.attributes;
      if (node.dtype !== 'float32') throw new NotLowerable(`the integers ${name}`);
      this.values.set(node, this.push({ op: 'placeholder', name, target: name, args: [], kwargs: {} }));
    }
  }

  write(node: Node): void {
    if (this.values.has(node)) return;
    const isConstant =
      isOperation(node, 'constant') || (node.inputs.length > 0 && node.inputs.every((x) => this.constants.has(x)));
    if (isConstant) {
      this.constants.add(node);
      // A tensor of constants may still come to a number.
      if (node.shape.length === 0) this.values.set(node, numberOf(node));
      return;
    }
    const lower = lowerings[node.operation] as ((node: Node, torch: TorchWriter) => TorchValue) | undefined;
    if (lower === undefined) throw new NotLowerable(node.operation);
    const value = lower(node, this);
    if (!isComparison(node)) {
      this.values.set(node, value);
      return;
    }
    this.conditions.set(node, value);
    this.values.set(node, this.method('float', [value]));
  }

  value(node: Node): TorchValue {
    const value = this.values.get(node);
    if (value === undefined) throw new NotLowerable('a tensor of fixed numbers');
    return value;
  }

  condition(node: Node): TorchValue {
    return this.conditions.get(node) ?? this.call('operator.ne', [this.value(node), 0]);
  }

  tensor(node: Node, like: Node): TorchValue {
    const value = this.value(node);
    return typeof value === 'number' ? this.call('torch.full_like', [this.value(like), value]) : value;
  }

  /** A tensor that was written. */
  reference(node: Node): TorchValue {
    const value = this.value(node);
    if (typeof value === 'number') throw new NotLowerable('a number in place of a tensor');
    return value;
  }

  call(target: string, args: readonly TorchValue[], kwargs: TorchNode['kwargs'] = {}): TorchValue {
    return this.push({ op: 'call_function', name: this.next(), target, args, kwargs });
  }

  method(target: string, args: readonly TorchValue[]): TorchValue {
    return this.push({ op: 'call_method', name: this.next(), target, args, kwargs: {} });
  }

  private next(): string {
    return `v${this.nodes.length}`;
  }

  private push(node: TorchNode): TorchValue {
    this.nodes.push(node);
    return { ref: node.name };
  }
}

function numberOf(node: Node): number {
  const value = evaluate({ node }, {}, { precision: 'float64' }).node.data[0] ?? NaN;
  if (!Number.isFinite(value)) throw new NotLowerable('a number that is not finite');
  return value;
}
