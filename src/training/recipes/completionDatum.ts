import { invalidArgument } from '../../errors.js';
import { type Datum, ModelInput } from '../../wire/index.js';

/**
 * A prompt's tokens and those that follow it, which alone are trained on, as a datum for `cross_entropy`.
 *
 * @throws TinkerError `invalid_argument` for an empty prompt or completion
 * @example
 * completionDatum([1, 2], [3, 4]).lossFnInputs?.weights; // [0, 1, 1]
 */
export function completionDatum(prompt: ArrayLike<number>, completion: ArrayLike<number>): Datum {
  if (prompt.length === 0 || completion.length === 0)
    throw invalidArgument('a prompt and a completion of at least one token each', 'an empty one');
  const tokens = Int32Array.of(...Array.from(prompt), ...Array.from(completion));
  return {
    modelInput: ModelInput.fromTokens(tokens.slice(0, -1)),
    lossFnInputs: {
      targetTokens: tokens.slice(1),
      weights: Float32Array.from({ length: tokens.length - 1 }, (_, index) => (index < prompt.length - 1 ? 0 : 1)),
    },
  };
}
