import { Expression } from '../graph/index.js';
import type { Datum } from '../wire/datum.js';
import type { TensorData } from '../wire/tensorData.js';
import type { CustomLossResult } from './customLossResult.js';
import { asInvalidLoss, invalidLoss } from './invalidLoss.js';
import { evaluateLossGraph, logprobInputs } from './lossGraph.js';
import { type LossInputs, lossInputsOf } from './lossInputs.js';
import type { LossValue } from './lossValue.js';

interface Bivariant {
  call(inputs: LossInputs): LossValue<Expression>;
}

/**
 * A loss of one datum, summed over the batch: a plain function of its logprobs and inputs. Metrics are summed too
 * (`name:sum`) or averaged over the data (`name:mean`).
 *
 * @example
 * ```ts
 * const loss: PerDatumLoss = ({ logprobs, ref, advantages }) =>
 *   logprobs.sub(ref).exp().mul(advantages).neg().sum();
 * ```
 */
// A method's type lets a function ask for more inputs by name (LossInputs<'margin'>) than this type can know.
export type PerDatumLoss = Bivariant['call'];

/** Calls the loss on each datum, differentiates, and adds up. Errors: `invalid_loss`, naming the datum. */
export function evaluatePerDatum(
  loss: PerDatumLoss,
  data: readonly Datum[],
  logprobs: readonly TensorData[],
): CustomLossResult {
  const results = data.map((datum, index) => evaluateDatum(loss, datum, index, logprobs.slice(index, index + 1)));
  return {
    loss: results.reduce((total, result) => total + result.loss, 0),
    gradients: results.flatMap(({ gradients }) => gradients),
    metrics: reduceMetrics(results.map(({ metrics }) => metrics)),
  };
}

function evaluateDatum(
  loss: PerDatumLoss,
  datum: Datum,
  index: number,
  logprobs: readonly TensorData[],
): CustomLossResult {
  const place = ` for data[${index}]`;
  const inputs = logprobInputs(logprobs, index);
  try {
    const [own] = inputs.nodes.map((node) => new Expression(node));
    if (own === undefined) throw invalidLoss(`Expected logprobs${place}, got none.`);
    return evaluateLossGraph(loss(lossInputsOf(datum, index, own)), inputs, place);
  } catch (error) {
    throw asInvalidLoss(error, place);
  }
}

function reduceMetrics(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const reduced: Record<string, number> = {};
  for (const name of new Set(all.flatMap((metrics) => Object.keys(metrics)))) {
    const mean = name.endsWith(':mean');
    if (!mean && !name.endsWith(':sum'))
      throw invalidLoss(
        `Expected metrics of a per-datum loss to end in :sum or :mean, which says how data are put together, got ${name}.`,
      );
    const sum = all.reduce((total, metrics) => total + (metrics[name] ?? 0), 0);
    reduced[name] = mean ? sum / all.length : sum;
  }
  return reduced;
}
