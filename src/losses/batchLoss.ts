import { Expression } from '../graph/index.js';
import type { Datum } from '../wire/datum.js';
import type { TensorData } from '../wire/tensorData.js';
import type { CustomLossResult } from './customLossResult.js';
import { asInvalidLoss } from './invalidLoss.js';
import { evaluateLossGraph, logprobInputs } from './lossGraph.js';
import type { LossValue } from './lossValue.js';

/** A loss over the whole batch: the data, and the logprobs of each as an expression of its shape. */
export type BatchFunction = (data: readonly Datum[], logprobs: readonly Expression[]) => LossValue<Expression>;

/** A {@link BatchFunction}, marked by {@link batchLoss}. */
export interface BatchLoss {
  readonly form: 'batch';
  readonly evaluate: BatchFunction;
}

/**
 * Makes a custom loss of a function of the whole batch, for pairs, groups and means over data.
 *
 * The function is called once, with all chunks' logprobs in the order of the data, and must use each datum's.
 *
 * @example
 * ```ts
 * // Pairs of a preferred and a rejected answer (Bradley-Terry).
 * const loss = batchLoss((data, logprobs) => {
 *   const totals = Expression.stack(logprobs.map((p) => p.sum())).reshape([data.length / 2, 2]);
 *   const margin = totals.select(0, 1).sub(totals.select(1, 1));
 *   return { loss: margin.logsigmoid().neg().sum(), metrics: { 'accuracy:mean': margin.gt(0).mean() } };
 * });
 * ```
 */
export function batchLoss(evaluate: BatchFunction): BatchLoss {
  return { form: 'batch', evaluate };
}

/** Calls the loss and differentiates by the logprobs of each datum. Errors: `invalid_loss`. */
export function evaluateBatch(
  loss: BatchLoss,
  data: readonly Datum[],
  logprobs: readonly TensorData[],
): CustomLossResult {
  const inputs = logprobInputs(logprobs);
  try {
    const expressions = inputs.nodes.map((node) => new Expression(node));
    return evaluateLossGraph(loss.evaluate(data, expressions), inputs);
  } catch (error) {
    throw asInvalidLoss(error);
  }
}
