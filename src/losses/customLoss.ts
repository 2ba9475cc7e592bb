import { defer, type Observable, of } from 'rxjs';
import type { Datum } from '../wire/datum.js';
import type { TensorData } from '../wire/tensorData.js';
import { type BatchLoss, evaluateBatch } from './batchLoss.js';
import type { CustomLossResult } from './customLossResult.js';
import { evaluateGradientLoss, type GradientLoss } from './gradientLoss.js';
import { evaluatePerDatum, type PerDatumLoss } from './perDatumLoss.js';
import { evaluateTfjsLoss, type TfjsLoss } from './tfjsLoss.js';

/**
 * A loss that is computed here, from the logprobs of the target tokens: a plain function of one datum, summed over the
 * data, or what {@link batchLoss}, {@link tfjsLoss} or {@link gradientLoss} makes of a function of the whole batch.
 */
export type CustomLoss = PerDatumLoss | BatchLoss | TfjsLoss | GradientLoss;

/**
 * Computes a custom loss C and ∂C/∂logprobs of each datum. Emits once; at once where the function is synchronous.
 *
 * @param logprobs - Of the target tokens, float32, one tensor a datum, in order.
 * @returns Errors: `invalid_loss`, never retryable and with its cause, where the function throws, gives no scalar, reads
 *   an input that is missing, does not depend on the logprobs of a datum, or is not finite.
 */
export function evaluateCustomLoss(
  loss: CustomLoss,
  data: readonly Datum[],
  logprobs: readonly TensorData[],
): Observable<CustomLossResult> {
  if (typeof loss === 'function') return defer(() => of(evaluatePerDatum(loss, data, logprobs)));
  switch (loss.form) {
    case 'batch':
      return defer(() => of(evaluateBatch(loss, data, logprobs)));
    case 'tfjs':
      return evaluateTfjsLoss(loss, data, logprobs);
    case 'gradient':
      return evaluateGradientLoss(loss, data, logprobs);
  }
}
