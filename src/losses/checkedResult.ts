import type { CustomLossResult } from './customLossResult.js';
import { invalidLoss } from './invalidLoss.js';

/**
 * A result whose loss and gradients are finite.
 *
 * @param indices - The datum of each gradient, for messages.
 * @param place - What the loss is of, for messages, e.g. ` for data[2]`.
 * @throws TinkerError `invalid_loss` on NaN or an infinity, naming datum and position.
 */
export function checkedResult(result: CustomLossResult, indices: readonly number[], place = ''): CustomLossResult {
  const { loss, gradients } = result;
  const reasons = 'The logarithm or the quotient of 0 or the exponential of a large number makes it so.';
  if (!Number.isFinite(loss)) throw invalidLoss(`Expected a finite loss${place}, got ${loss}. ${reasons}`);
  gradients.forEach((gradient, i) => {
    const position = gradient.findIndex((value) => !Number.isFinite(value));
    if (position >= 0)
      throw invalidLoss(
        `Expected finite gradients by the logprobs of data[${indices[i] ?? i}], ` +
          `got ${gradient[position] ?? NaN} at position ${position}. ${reasons}`,
      );
  });
  return result;
}
