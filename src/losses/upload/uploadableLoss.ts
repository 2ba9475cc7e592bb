import { Expression, gradientOrNull, input, type Node } from '../../graph/index.js';
import { snakeCase } from '../../wire/camelCase.js';
import type { Datum } from '../../wire/datum.js';
import { TensorData } from '../../wire/tensorData.js';
import type { CustomLoss } from '../customLoss.js';
import { lossInputsOf } from '../lossInputs.js';
import { scalarExpression } from '../lossGraph.js';
import { readLossValue } from '../lossValue.js';
import { LOGPROBS, lowerToTorch } from './lowerToTorch.js';
import type { TorchGraph } from './torchGraph.js';

/** A loss that the server can compute by itself. */
export interface UploadableLoss {
  readonly name: string;
  readonly graph: TorchGraph;
  /** What the loss reads of each datum, by the names in the graph. */
  readonly inputs: readonly Readonly<Record<string, TensorData>>[];
  /** The server's metrics with the loss's own names, and what the loss gives as numbers. */
  readonly readMetrics: (metrics: Readonly<Record<string, number>>) => Readonly<Record<string, number>>;
}

const INPUT_NAME = /^[a-z_][a-z0-9_]{0,63}$/;
const METRIC_KEY = /^[a-z0-9_./-]{1,64}:(sum|mean)$/;
const PREFIX = 'custom/';
const MOST_INPUTS = 16;
const MOST_NODES = 500;

/**
 * Makes a loss ready to be uploaded, if it is one graph for all data; else says why it is not.
 *
 * The function is called once for each datum, as where the loss is computed here, and what it does must be the same.
 *
 * @param targets - The shapes of the target tokens, one a datum.
 */
export function uploadableLoss(
  loss: CustomLoss,
  data: readonly Datum[],
  targets: readonly (readonly number[])[],
): UploadableLoss | { readonly reason: string } {
  if (typeof loss !== 'function') return { reason: `it is a loss of the ${loss.form} form` };
  try {
    const traces = data.map((datum, index) => traceDatum(loss, datum, index, targets[index] ?? []));
    const [first] = traces;
    if (first === undefined) return { reason: 'there are no data' };
    const text = JSON.stringify(first.graph);
    const other = traces.findIndex(({ graph }) => JSON.stringify(graph) !== text);
    if (other !== -1) return { reason: `it is not the same for data[0] and data[${other}]` };
    if (first.graph.nodes.length > MOST_NODES) return { reason: `it has more than ${MOST_NODES} operations` };
    return {
      name: loss.name === '' ? 'loss' : loss.name.slice(0, 64),
      graph: first.graph,
      inputs: traces.map(({ inputs }) => inputs),
      readMetrics: (metrics) => ({
        ...renamed(metrics, first.names),
        ...reduced(traces.map(({ numbers }) => numbers)),
      }),
    };
  } catch (error) {
    // Whatever it is, computing the loss here says it better, and names the datum.
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

interface Trace {
  readonly graph: TorchGraph;
  readonly inputs: Readonly<Record<string, TensorData>>;
  /** Names of metrics by their keys on the server. */
  readonly names: Readonly<Record<string, string>>;
  readonly numbers: Readonly<Record<string, number>>;
}

function traceDatum(
  loss: Extract<CustomLoss, (...args: never) => unknown>,
  datum: Datum,
  index: number,
  targets: readonly number[],
): Trace {
  if (targets.length !== 1) throw new Error('there are several targets a position');
  const logprobs = input(LOGPROBS, targets);
  const tensors: Record<string, TensorData> = {};
  const inputs = lossInputsOf(datum, index, new Expression(logprobs), (name, tensor) => {
    const key = snakeCase(name);
    checkInput(key, tensor, targets);
    tensors[key] = tensor;
    return new Expression(input(key, tensor.shape, tensor.dtype === 'float32' ? 'float32' : 'int32'));
  });
  const parts = readLossValue(loss(inputs), scalarExpression);
  if (gradientOrNull(parts.loss.node, [logprobs])[0] === null) throw new Error('it does not depend on the logprobs');
  const numbers: Record<string, number> = {};
  const nodes: Record<string, Node> = {};
  const names: Record<string, string> = {};
  for (const [name, metric] of Object.entries(parts.metrics)) {
    if (!/:(sum|mean)$/.test(name)) throw new Error(`the metric ${name} does not end in :sum or :mean`);
    if (typeof metric === 'number') numbers[name] = metric;
    else {
      const key = METRIC_KEY.test(name)
        ? name
        : `metric_${Object.keys(nodes).length}${name.slice(name.lastIndexOf(':'))}`;
      names[`${PREFIX}${key}`] = name;
      nodes[`${PREFIX}${key}`] = metric.node;
    }
  }
  const graph = lowerToTorch(parts.loss.node, nodes);
  if (graph.inputs.length > MOST_INPUTS) throw new Error(`it reads more than ${MOST_INPUTS} inputs`);
  const read = graph.inputs.flatMap(({ name }) => {
    const tensor = tensors[name];
    return tensor === undefined ? [] : [[name, tensor] as const];
  });
  return { graph, inputs: Object.fromEntries(read), names, numbers };
}

function checkInput(name: string, { shape, sparse }: TensorData, [length]: readonly number[]): void {
  if (!INPUT_NAME.test(name)) throw new Error(`the protocol has no input named ${name}`);
  if (name === 'target_tokens') throw new Error('it reads the target tokens');
  if (sparse !== undefined) throw new Error(`${name} is sparse`);
  if (shape.length > 2 || (shape.length > 0 && shape[0] !== length)) {
    throw new Error(`${name} has shape [${shape.join(', ')}], not one value or row a token`);
  }
}

function renamed(
  metrics: Readonly<Record<string, number>>,
  names: Readonly<Record<string, string>>,
): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).map(([key, value]) => [names[key] ?? key, value]));
}

/** Numbers need no server: summed over the data, or their mean. */
function reduced(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const names = [...new Set(all.flatMap((numbers) => Object.keys(numbers)))];
  return Object.fromEntries(
    names.map((name) => {
      const total = all.reduce((sum, numbers) => sum + (numbers[name] ?? 0), 0);
      return [name, name.endsWith(':mean') ? total / all.length : total];
    }),
  );
}
