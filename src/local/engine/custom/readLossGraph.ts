import { TinkerError } from '../../../errors.js';
import { detach, expandAs, Node, sum } from '../../../graph/index.js';
import { CallArguments } from './callArguments.js';
import type { CustomLoss, CustomLossNode } from './customLoss.js';
import { findFunction } from './findFunction.js';
import { describeLossValue, isLossObject, type LossValue, readLossValue } from './lossValue.js';
import { refusedLoss } from './refusedLoss.js';

/** A loss over a batch of data of equal sizes. */
export interface LossGraph {
  /** The loss of each datum, [batch]. */
  readonly loss: Node;
  /** Likewise by key, e.g. `custom/ratio:mean`. */
  readonly metrics: Readonly<Record<string, Node>>;
}

const metricKey = /^custom\/[a-z0-9_./-]{1,64}:(sum|mean)$/;

/**
 * The graph of a loss that is given by data, over a whole batch at once: each tensor has the batch as its first axis.
 *
 * @param input - The node of an input of the loss: [batch], [batch, n] or [batch, n, k].
 * @throws TinkerError `bad_request` that names the node, what was expected and what came.
 */
export function readLossGraph({ inputs, nodes }: CustomLoss, input: (name: string) => Node): LossGraph {
  const values = new Map<string, LossValue>();
  const names = inputs.map(({ name }) => name);
  let placeholders = 0;
  let result: LossGraph | undefined;
  nodes.forEach((node, index) => {
    inNode(node, index, () => {
      if (result !== undefined) throw refusedLoss('output as the last node', 'a node behind it');
      if (values.has(node.name)) throw refusedLoss('names that differ', 'one that an earlier node has');
      if (node.op === 'output') result = readOutput(readLossValue(node.args[0], values), input('logprobs'));
      else if (node.op === 'placeholder') {
        const name = names[placeholders++];
        if (node.name !== name)
          throw refusedLoss(`placeholders in the order of the inputs, ${names.join(', ')}`, node.name);
        values.set(name, input(name));
      } else values.set(node.name, call(node, values));
    });
  });
  if (result === undefined) throw refusedLoss('a graph that ends with an output', 'none');
  if (placeholders < names.length)
    throw refusedLoss(`a placeholder for each input, ${names.join(', ')}`, String(placeholders));
  return result;
}

function call(node: CustomLossNode, values: ReadonlyMap<string, LossValue>): LossValue {
  if (node.op !== 'call_function' && node.op !== 'call_method')
    throw refusedLoss('placeholder, call_function, call_method or output as op', node.op);
  const found = findFunction(node);
  const kwargs = new Map(Object.entries(node.kwargs).map(([name, value]) => [name, readLossValue(value, values)]));
  const args = node.args.map((value) => readLossValue(value, values));
  return found.build(new CallArguments(found.parameters, args, kwargs));
}

function readOutput(value: LossValue, logprobs: Node): LossGraph {
  const [loss, metrics, ...more] = Array.isArray(value) ? (value as readonly LossValue[]) : [];
  if (loss === undefined || metrics === undefined || more.length > 0)
    throw refusedLoss('the pair (loss, metrics) as output', describeLossValue(value));
  if (metrics === null || !isLossObject(metrics) || metrics.kind !== 'dict')
    throw refusedLoss('a dict as metrics', describeLossValue(metrics));
  const entries = [...metrics.entries].map(([key, metric]): [string, Node] => {
    if (!metricKey.test(key)) throw refusedLoss('metrics named custom/<name>:sum or custom/<name>:mean', key);
    return [key, scalar(`metric ${key}`, metric, logprobs)];
  });
  return { loss: scalar('loss', loss, logprobs), metrics: Object.fromEntries(entries) };
}

/** A scalar of each datum; one that all share is repeated. */
function scalar(what: string, value: LossValue, logprobs: Node): Node {
  if (!(value instanceof Node) || value.shape.length > 1)
    throw refusedLoss(`a scalar tensor as ${what}`, describeLossValue(value));
  if (value.shape.length === 1) return value;
  return expandAs(value, perDatum(logprobs));
}

/** A number for each datum, of which only the shape counts. */
function perDatum(logprobs: Node): Node {
  return sum(
    detach(logprobs),
    Array.from({ length: logprobs.shape.length - 1 }, (_, axis) => axis + 1),
  );
}

/** What is wrong with a node is said with its place and name. */
function inNode(node: CustomLossNode, index: number, read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof TinkerError)) throw error;
    throw new TinkerError(
      'bad_request',
      `graph.nodes.${String(index)} (${node.name}, ${node.op} ${node.target}): ${error.message}`,
      { cause: error },
    );
  }
}
