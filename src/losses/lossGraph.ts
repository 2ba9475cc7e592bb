import { evaluate, Expression, gradientOrNull, input, type Node, type Tensor } from '../graph/index.js';
import type { TensorData } from '../wire/tensorData.js';
import { checkedResult } from './checkedResult.js';
import type { CustomLossResult } from './customLossResult.js';
import { invalidLoss } from './invalidLoss.js';
import { readLossValue, type ScalarKind } from './lossValue.js';

/** How a scalar of the graph is recognised. */
export const scalarExpression: ScalarKind<Expression> = {
  name: 'expression',
  shapeOf: (value) => (value instanceof Expression ? value.shape : undefined),
  is: (value): value is Expression => value instanceof Expression && value.shape.length === 0,
};

/** The logprobs of some data as inputs of a graph, and the values to run it on. */
export interface LogprobInputs {
  /** Where the data stand in the batch. */
  readonly indices: readonly number[];
  readonly nodes: readonly Node<'input'>[];
  readonly feeds: Readonly<Record<string, Tensor>>;
}

/** Makes an input for the logprobs of each datum, of its concrete shape. */
export function logprobInputs(logprobs: readonly TensorData[], first = 0): LogprobInputs {
  const indices = logprobs.map((_, i) => first + i);
  const names = indices.map((index) => `the logprobs of data[${index}]`);
  return {
    indices,
    nodes: logprobs.map(({ shape }, i) => input(names[i] ?? '', shape)),
    feeds: Object.fromEntries(
      logprobs.map(({ data, shape }, i) => [names[i] ?? '', { data: Float32Array.from(data, Number), shape }]),
    ),
  };
}

/**
 * Runs what a loss returned together with its derivatives, in float64 so that long sums keep their digits.
 *
 * @throws TinkerError `invalid_loss` on what is no scalar expression, does not depend on the logprobs of a datum, or
 *   is not finite.
 */
export function evaluateLossGraph(returned: unknown, inputs: LogprobInputs, place = ''): CustomLossResult {
  const { loss, metrics } = readLossValue(returned, scalarExpression, place);
  const outputs: Record<string, Node> = { loss: loss.node };
  gradientOrNull(loss.node, inputs.nodes).forEach((node, i) => {
    if (node === null) throw independentOf(inputs.indices[i] ?? i);
    outputs[`gradient ${i}`] = node;
  });
  for (const [name, metric] of Object.entries(metrics))
    if (metric instanceof Expression) outputs[`metric ${name}`] = metric.node;
  const values = evaluate(outputs, inputs.feeds, { precision: 'float64' });
  const scalar = (key: string): number => values[key]?.data[0] ?? NaN;
  const result: CustomLossResult = {
    loss: scalar('loss'),
    gradients: inputs.nodes.map((_, i) => Float32Array.from(values[`gradient ${i}`]?.data ?? [])),
    metrics: Object.fromEntries(
      Object.entries(metrics).map(([name, metric]) => [
        name,
        typeof metric === 'number' ? metric : scalar(`metric ${name}`),
      ]),
    ),
  };
  return checkedResult(result, inputs.indices, place);
}

/** The error of a loss that passes no gradient to a datum. */
export function independentOf(index: number): Error {
  return invalidLoss(
    `Expected a loss that depends on the logprobs of data[${index}], got one through which no gradient reaches them. ` +
      'Use them in the loss, not only detached or in comparisons; to leave a datum out, multiply by 0.',
  );
}
